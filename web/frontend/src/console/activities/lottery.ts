// A prize draw's draft.
import type { ActivityView, Draft } from "./activity";

export interface LotteryPrize {
  id?: string | null;
  name: string;
  count: number;
  value: number;
  reserves: number;
  again: boolean;
}
export interface LotteryPool {
  source: string;
  activity_id?: string | null;
  text?: string | null;
  minutes?: number | null;
}

export function emptyPrize(name: string): LotteryPrize {
  return { name, count: 1, value: 0, reserves: 0, again: false };
}

export function emptyLottery(t: (key: string, values?: Record<string, unknown>) => string): Draft {
  return {
    kind: "lottery",
    title: t("activity.lottery.template"),
    seconds: null,
    pool: { source: "enter" },
    prizes: [emptyPrize(t("activity.lottery.prizeName", { n: 1 }))],
    outside: "none",
    outside_source: "",
    organiser: "",
    contact: "",
    claim_way: "",
    claim_days: 7,
    claim_note: "",
  };
}

export function lotteryDraft(activity: ActivityView): Draft {
  const { kind, title, seconds, pool, prizes, outside, outside_source, organiser, contact, claim_way, claim_days, claim_note } = activity;
  return { kind, title, seconds, pool, prizes, outside, outside_source, organiser, contact, claim_way, claim_days, claim_note };
}
