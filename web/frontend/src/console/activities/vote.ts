// A vote's draft.
import type { ActivityView, Draft } from "./activity";

export interface VoteOption {
  id?: string | null;
  text: string;
  picture?: string | null;
}

export function emptyVote(t: (key: string, values?: Record<string, unknown>) => string): Draft {
  return {
    kind: "vote",
    title: t("activity.vote.template"),
    seconds: null,
    options: [1, 2].map((n) => ({ text: t("activity.vote.option", { n }) })),
    min: 1,
    max: 1,
    show: "live",
    change: false,
    per: "viewer",
    times: 1,
    hold_suspicious: false,
  };
}

export function voteDraft(activity: ActivityView): Draft {
  const { kind, title, seconds, options, min, max, show, change, per, times, hold_suspicious } = activity;
  return { kind, title, seconds, options, min, max, show, change, per, times, hold_suspicious };
}
