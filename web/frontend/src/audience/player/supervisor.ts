// When to help a picture that stands still, and how hard. Pure: the clock and what was seen come in, an action goes out.
export interface Seen {
  now: number; // milliseconds, never going back
  advanced: boolean; // the picture moved since the last look
  failed: boolean; // the player has given up
  wanted: boolean; // there should be a picture at all
  hidden: boolean; // the page is asleep
  online: boolean;
}

export interface Supervision {
  movedAt: number;
  triedAt: number;
  tries: number;
}

export type Action = "none" | "nudge" | "rebuild" | "other_protocol";

export const STALL_MS = 2500; // a network hiccup shorter than this heals by itself
export const RETRY_MS = 1500; // between two attempts: the picture is back within 5 s of the cure
export const TRIES_PER_PROTOCOL = 4;

export function begin(now: number): Supervision {
  return { movedAt: now, triedAt: now, tries: 0 };
}

export function look(state: Supervision, seen: Seen): [Supervision, Action] {
  if (!seen.wanted || seen.hidden) return [{ movedAt: seen.now, triedAt: seen.now, tries: 0 }, "none"];
  if (seen.advanced) return [{ movedAt: seen.now, triedAt: seen.now, tries: 0 }, "none"];
  if (!seen.online) return [state, "none"];
  const standing = seen.now - state.movedAt;
  if (!seen.failed && standing < STALL_MS) return [state, "none"];
  if (seen.now - state.triedAt < RETRY_MS) return [state, "none"];
  const tries = state.tries + 1;
  const next = { ...state, triedAt: seen.now, tries };
  if (tries === 1 && !seen.failed) return [next, "nudge"];
  return [next, tries % TRIES_PER_PROTOCOL === 0 ? "other_protocol" : "rebuild"];
}
