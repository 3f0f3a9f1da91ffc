import { expect, test } from "vitest";
import { begin, look, RETRY_MS, type Action, type Seen, type Supervision } from "./supervisor";

const good: Omit<Seen, "now"> = { advanced: true, failed: false, wanted: true, hidden: false, online: true };

function run(steps: number, change: Partial<Seen>, state: Supervision = begin(0), from = 0): [Action[], Supervision] {
  const actions: Action[] = [];
  for (let step = 1; step <= steps; step++) {
    const [next, action] = look(state, { ...good, ...change, now: from + step * 500 });
    state = next;
    if (action !== "none") actions.push(action);
  }
  return [actions, state];
}

test("a picture that moves is left alone", () => {
  expect(run(100, {})[0]).toEqual([]);
});

test("a standing picture is nudged, then rebuilt, then tried by the other protocol", () => {
  const [actions] = run(24, { advanced: false });
  expect(actions.slice(0, 4)).toEqual(["nudge", "rebuild", "rebuild", "other_protocol"]);
});

test("a failed player is rebuilt without a nudge", () => {
  expect(run(4, { advanced: false, failed: true })[0][0]).toBe("rebuild");
});

test("offline waits, and the first help comes at once when the network is back", () => {
  const [waiting, state] = run(360, { advanced: false, online: false });
  expect(waiting).toEqual([]);
  const [actions] = run(1, { advanced: false }, state, 180_000);
  expect(actions).toEqual(["nudge"]);
});

test("asleep is no stall; awake again it is looked at afresh", () => {
  const [waiting, state] = run(600, { advanced: false, hidden: true });
  expect(waiting).toEqual([]);
  expect(run(7, { advanced: false }, state, 300_000)[0]).toEqual(["nudge"]);
});

test("attempts keep their distance", () => {
  let state = begin(0);
  const at: number[] = [];
  for (let now = 100; now < 20_000; now += 100) {
    const [next, action] = look(state, { ...good, advanced: false, now });
    state = next;
    if (action !== "none") at.push(now);
  }
  expect(at.every((time, index) => index === 0 || time - at[index - 1]! >= RETRY_MS)).toBe(true);
});
