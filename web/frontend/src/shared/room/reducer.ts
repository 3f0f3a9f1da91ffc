// The room's state from a snapshot and numbered batches. Pure: the same input gives the same state.
export interface RoomComment {
  id: string;
  text: string;
  viewer: { id: string; nickname: string; avatar?: string | null };
  at: string;
  status: string;
  reply_to?: string | null;
  likes?: number;
}

export interface RoomEvent {
  state: string;
  moderation: string;
  anonymous_may: string[];
  venues: Record<string, boolean>;
}

export interface Snapshot {
  epoch: number;
  seq: number;
  at: string;
  event: RoomEvent;
  cut: boolean;
  level?: string;
  open: boolean;
  comments: RoomComment[];
  pinned?: RoomComment | null;
  viewers: Record<string, number>;
  likes: number;
  activities?: Activity[];
}

// An activity as everybody may see it; each kind has fields of its own beside these.
export interface Activity {
  id: string;
  kind: string;
  title: string;
  state: "open" | "closed" | "settled" | "void";
  opened_at: string | null;
  closes_at: string | null;
  void_reason?: string;
  tally?: Record<string, unknown>;
  [more: string]: unknown;
}

export type BatchItem = { type: string } & Record<string, unknown>;

export interface Batch {
  epoch: number;
  seq: number;
  at: string;
  items: BatchItem[];
  hidden: number;
}

export interface RoomState {
  epoch: number;
  seq: number;
  event: RoomEvent | null;
  cut: boolean;
  // of the hub's ladder: on "polling" comments come by the snapshot endpoint alone
  level: string;
  comments: RoomComment[];
  pinned: RoomComment | null;
  // ids of comments that were taken away while this page looked
  removed: string[];
  viewers: Record<string, number>;
  likes: number;
  activities: Activity[];
  hidden: number;
  // true when a number was missed: the snapshot has to be loaded
  behind: boolean;
}

export const KEPT_COMMENTS = 200;
const KEPT_REMOVED = 500;

export const emptyRoom: RoomState = {
  epoch: 0,
  seq: -1,
  event: null,
  cut: false,
  level: "quick",
  comments: [],
  pinned: null,
  removed: [],
  viewers: {},
  likes: 0,
  activities: [],
  hidden: 0,
  behind: true,
};

export function fromSnapshot(state: RoomState, snapshot: Snapshot): RoomState {
  const known = new Set(snapshot.comments.map((comment) => comment.id));
  const first = snapshot.comments[0];
  // older ones that were on screen already stay there
  const older = first ? state.comments.filter((c) => !known.has(c.id) && c.at < first.at && state.epoch) : [];
  return {
    epoch: snapshot.epoch,
    seq: snapshot.seq,
    event: snapshot.event,
    cut: snapshot.cut,
    level: snapshot.level ?? "quick",
    comments: older.concat(snapshot.comments).slice(-KEPT_COMMENTS),
    pinned: snapshot.pinned ?? null,
    removed: state.removed,
    viewers: snapshot.viewers,
    likes: snapshot.likes,
    activities: snapshot.activities ?? [],
    hidden: 0,
    behind: false,
  };
}

// A snapshot from the endpoint: a cache may have kept it for a second, so it may be older than what the socket said.
export function afterPoll(state: RoomState, snapshot: Snapshot): RoomState {
  const older = snapshot.epoch < state.epoch || (snapshot.epoch === state.epoch && snapshot.seq < state.seq);
  if (!older) return fromSnapshot(state, snapshot);
  if (snapshot.epoch < state.epoch || state.behind) return state;
  const known = new Set(state.comments.map((comment) => comment.id));
  const comments = state.comments.concat(snapshot.comments.filter((comment) => !known.has(comment.id)));
  comments.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  return { ...state, comments: comments.slice(-KEPT_COMMENTS), viewers: snapshot.viewers, likes: snapshot.likes };
}

export function afterBatch(state: RoomState, batch: Batch): RoomState {
  if (state.behind) return state;
  if (batch.epoch === state.epoch && batch.seq <= state.seq) return state;
  if (batch.epoch !== state.epoch || batch.seq !== state.seq + 1) return { ...state, behind: true };
  const next = batch.items.reduce(afterItem, { ...state, seq: batch.seq });
  return { ...next, hidden: state.hidden + batch.hidden };
}

function afterItem(state: RoomState, item: BatchItem): RoomState {
  switch (item.type) {
    case "comment": {
      const comment = item as unknown as RoomComment;
      const known = state.comments.find((one) => one.id === comment.id);
      if (known && known.status !== "removed") return state;
      const others = known ? state.comments.filter((one) => one.id !== comment.id) : state.comments;
      return { ...state, comments: [...others, comment].slice(-KEPT_COMMENTS) };
    }
    case "comment_removed":
      // its place says so to those who saw it; its words are gone
      return {
        ...state,
        comments: state.comments.map((comment) => (comment.id === item.id ? { ...comment, text: "", status: "removed" } : comment)),
        removed: [...state.removed, item.id as string].slice(-KEPT_REMOVED),
      };
    case "comment_likes": {
      const counts = item.counts as Record<string, number>;
      return {
        ...state,
        comments: state.comments.map((comment) => (comment.id in counts ? { ...comment, likes: counts[comment.id] } : comment)),
      };
    }
    case "pinned":
      return { ...state, pinned: item.comment as RoomComment | null };
    case "presence":
      return { ...state, viewers: item.viewers as Record<string, number> };
    case "likes":
      return { ...state, likes: item.total as number };
    case "activity": {
      const activity = item as unknown as Activity;
      const known = state.activities.some((one) => one.id === activity.id);
      const activities = known
        ? state.activities.map((one) => (one.id === activity.id ? activity : one))
        : [...state.activities, activity];
      return { ...state, activities };
    }
    case "tally": {
      return { ...state, activities: state.activities.map((one) => (one.id === item.activity_id ? { ...one, tally: item } : one)) };
    }
    case "cut":
      return { ...state, cut: item.cut as boolean };
    case "level":
      return { ...state, level: item.level as string };
    case "event":
      return { ...state, event: item as unknown as RoomEvent };
    default:
      return state; // a newer hub's item
  }
}
