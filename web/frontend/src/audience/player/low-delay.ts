// The viewer's choice of ultra-low delay: kept, left for the ordinary delay when it does not work, tried again later. Pure.
const KEY = "venuecast.low-delay";
export const FIRST_RETRY_MS = 60_000;
export const MAX_RETRY_MS = 600_000;

export interface LowDelay {
  chosen: boolean;
  failures: number;
  retryAt: number; // performance.now(); 0: at once
}

export type LowDelayState = "off" | "trying" | "on" | "fallback";

export const kept = (): boolean => localStorage.getItem(KEY) === "1";
export const keep = (on: boolean): void => localStorage.setItem(KEY, on ? "1" : "0");
export const choose = (chosen: boolean): LowDelay => ({ chosen, failures: 0, retryAt: 0 });
export const worked = (state: LowDelay): LowDelay => ({ ...state, failures: 0, retryAt: 0 });
export const due = (state: LowDelay, now: number): boolean => state.chosen && now >= state.retryAt;

export function failed(state: LowDelay, now: number): LowDelay {
  const wait = Math.min(FIRST_RETRY_MS * 2 ** state.failures, MAX_RETRY_MS);
  return { ...state, failures: state.failures + 1, retryAt: now + wait };
}
