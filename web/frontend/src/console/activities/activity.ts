// An activity as the desk knows it, and the drafts that kinds begin with.
export interface ActivityView {
  id: string;
  event_id: string;
  kind: string;
  title: string;
  state: "draft" | "open" | "closed" | "settled" | "void";
  seconds: number | null;
  closes_at: string | null;
  void_reason: string;
  facts: Record<string, unknown>;
  [more: string]: unknown;
}

// What a form edits: the body of the API, flat.
export type Draft = { kind: string; title: string; seconds: number | null } & Record<string, unknown>;
