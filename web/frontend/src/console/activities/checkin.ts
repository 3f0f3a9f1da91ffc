// A check-in's draft.
import type { ActivityView, Draft } from "./activity";

export function emptyCheckin(t: (key: string) => string): Draft {
  return { kind: "checkin", title: t("activity.checkin.template"), seconds: 600 };
}

export function checkinDraft({ kind, title, seconds }: ActivityView): Draft {
  return { kind, title, seconds };
}
