import { expect, test } from "vitest";
import { duration } from "./time";

test("durations as people read them", () => {
  expect(duration(0)).toBe("0:00");
  expect(duration(61)).toBe("1:01");
  expect(duration(3723.9)).toBe("1:02:03");
});
