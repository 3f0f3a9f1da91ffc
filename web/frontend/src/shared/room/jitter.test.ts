import { expect, test } from "vitest";
import { fullJitter } from "./jitter";

test("waits are spread over the whole time up to a ceiling that doubles and ends", () => {
  expect([0, 1, 2, 5, 6, 50].map((attempt) => fullJitter(attempt, () => 1))).toEqual([500, 1000, 2000, 16_000, 20_000, 20_000]);
  expect(fullJitter(50, () => 0)).toBe(0);
  const waits = Array.from({ length: 2000 }, () => fullJitter(10));
  // of 2,000 phones no second sees more than a share of its own
  for (let second = 0; second < 20; second++) {
    expect(waits.filter((wait) => wait >= second * 1000 && wait < (second + 1) * 1000).length).toBeLessThan(200);
  }
});
