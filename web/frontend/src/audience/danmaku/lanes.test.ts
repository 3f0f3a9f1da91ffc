import { expect, test } from "vitest";
import { FLIGHT_MS, pickLane, videoCoversPage } from "./lanes";

test("comments take free lanes in turn, and none when all are busy", () => {
  const lanes = [0, 0];
  expect(pickLane(lanes, 1000, 360, 100)).toBe(0);
  expect(pickLane(lanes, 1000, 360, 100)).toBe(1);
  expect(pickLane(lanes, 1000, 360, 100)).toBe(-1);
});

test("a lane is free once the tail of its comment has left the edge", () => {
  const lanes = [0];
  pickLane(lanes, 0, 360, 360);
  expect(pickLane(lanes, FLIGHT_MS / 2, 360, 50)).toBe(-1);
  expect(pickLane(lanes, FLIGHT_MS / 2 + 700, 360, 50)).toBe(0);
});

test("webviews that draw the video on top get the list alone", () => {
  expect(videoCoversPage("Mozilla/5.0 (Linux; Android 9) MQQBrowser/6.2 TBS/045223 Mobile Safari/537.36")).toBe(true);
  expect(videoCoversPage("Mozilla/5.0 (iPhone; CPU iPhone OS 13_0 like Mac OS X) MicroMessenger/8.0")).toBe(false);
});
