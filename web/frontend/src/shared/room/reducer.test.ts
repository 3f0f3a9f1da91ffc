import { expect, test } from "vitest";
import { afterBatch, afterPoll, emptyRoom, fromSnapshot, type Batch, type BatchItem, type Snapshot } from "./reducer";

const comment = (id: string, second = 1) => ({
  id,
  text: id,
  viewer: { id: "v", nickname: "n" },
  at: `2026-10-01T12:00:0${second}.000Z`,
  status: "shown",
});
const snapshot: Snapshot = {
  epoch: 3,
  seq: 10,
  at: "",
  event: { state: "live", moderation: "post", anonymous_may: [], venues: {} },
  cut: false,
  open: true,
  comments: [comment("a")],
  viewers: { all: 1 },
  likes: 0,
};
const batch = (seq: number, ...items: BatchItem[]): Batch => ({ epoch: 3, seq, at: "", items, hidden: 0 });
const start = fromSnapshot(emptyRoom, snapshot);

test("batches follow the snapshot without a hole", () => {
  const state = afterBatch(start, batch(11, { type: "comment", ...comment("b", 2) }));
  expect(state.comments.map((c) => c.id)).toEqual(["a", "b"]);
  expect(state.behind).toBe(false);
});

test("a comment that the snapshot had already is not doubled", () => {
  expect(afterBatch(start, batch(11, { type: "comment", ...comment("a") })).comments).toHaveLength(1);
});

test("an old batch changes nothing, a missed number or a new epoch asks for the snapshot", () => {
  expect(afterBatch(start, batch(10, { type: "cut", cut: true }))).toBe(start);
  expect(afterBatch(start, batch(13)).behind).toBe(true);
  expect(afterBatch(start, { ...batch(11), epoch: 4 }).behind).toBe(true);
});

test("removal, presence, likes, cut, event, and an item of a newer hub", () => {
  const state = afterBatch(
    start,
    batch(
      11,
      { type: "comment_removed", id: "a" },
      { type: "presence", viewers: { all: 7 } },
      { type: "likes", total: 5 },
      { type: "cut", cut: true },
      { type: "event", state: "ended", moderation: "pre", anonymous_may: [], venues: {} },
      { type: "fireworks" },
    ),
  );
  expect(state.comments).toMatchObject([{ id: "a", text: "", status: "removed" }]);
  expect(state.removed).toEqual(["a"]);
  expect(state).toMatchObject({ viewers: { all: 7 }, likes: 5, cut: true, event: { state: "ended" } });
});

test("hearts and the pinned comment follow their items, and a comment let through again stands again", () => {
  const gone = afterBatch(start, batch(11, { type: "comment_removed", id: "a" }));
  const state = afterBatch(
    gone,
    batch(12, { type: "comment", ...comment("a") }, { type: "comment_likes", counts: { a: 3 } }, { type: "pinned", comment: comment("a") }),
  );
  expect(state.comments).toMatchObject([{ id: "a", text: "a", likes: 3 }]);
  expect(state.pinned).toMatchObject({ id: "a" });
  expect(afterBatch(state, batch(13, { type: "pinned", comment: null })).pinned).toBeNull();
});

test("what was on screen before a reconnect stays above the snapshot", () => {
  const seen = afterBatch(start, batch(11, { type: "comment", ...comment("b", 2) }));
  const again = fromSnapshot(seen, { ...snapshot, seq: 40, comments: [comment("c", 3)] });
  expect(again.comments.map((c) => c.id)).toEqual(["a", "b", "c"]);
});

test("a polled snapshot that a cache kept does not turn time back, but brings its comments", () => {
  const ahead = afterBatch(start, batch(11, { type: "level", level: "polling" }, { type: "cut", cut: true }));
  expect(ahead.level).toBe("polling");
  const polled = afterPoll(ahead, { ...snapshot, comments: [comment("a"), comment("b", 2)], likes: 9 });
  expect([polled.seq, polled.cut, polled.level, polled.likes]).toEqual([11, true, "polling", 9]);
  expect(polled.comments.map((c) => c.id)).toEqual(["a", "b"]);
  // when the level is released the comment comes again, by a batch
  expect(afterBatch(polled, batch(12, { type: "comment", ...comment("b", 2) })).comments).toHaveLength(2);
  expect(afterPoll(ahead, { ...snapshot, epoch: 2 })).toBe(ahead);
  expect(afterPoll(ahead, { ...snapshot, seq: 12 }).cut).toBe(false);
});
