import { expect, test } from "vitest";
import { choose, due, failed, FIRST_RETRY_MS, MAX_RETRY_MS, worked } from "./low-delay";

test("what was not chosen is never tried", () => {
  expect(due(choose(false), 1e9)).toBe(false);
});

test("a failure is tried again later, ever more rarely, and success forgets it", () => {
  let state = choose(true);
  expect(due(state, 0)).toBe(true);
  state = failed(state, 1000);
  expect(due(state, 1000 + FIRST_RETRY_MS - 1)).toBe(false);
  expect(due(state, 1000 + FIRST_RETRY_MS)).toBe(true);
  for (let round = 0; round < 9; round++) state = failed(state, 0);
  expect(state.retryAt).toBe(MAX_RETRY_MS);
  expect(due(worked(state), 1)).toBe(true);
});
