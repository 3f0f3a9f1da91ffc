import type { EventView } from "./api";

export type Rules = EventView["rules"];
export const RIGHTS = ["watch", "like", "comment"] as const;

export function defaultRules(): Rules {
  return { anonymous_may: ["watch", "like"], moderation: "pre", delay_seconds: 0, replay: "at_end" };
}
