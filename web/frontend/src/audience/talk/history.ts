// Comments from before the page was opened, a page at a time as the reader scrolls up.
import { computed, ref, type ComputedRef, type Ref } from "vue";
import type { RoomComment } from "../../shared/room/reducer";

const PAGE = 100;

export interface History {
  older: ComputedRef<RoomComment[]>;
  state: Ref<"more" | "loading" | "end">;
  load(): Promise<void>;
}

export function useHistory(eventId: string, recent: () => RoomComment[], removed: () => string[]): History {
  const loaded = ref<RoomComment[]>([]);
  const state = ref<"more" | "loading" | "end">("more");
  let cursor: string | null = null;

  const older = computed(() => {
    const shown = new Set(recent().map((comment) => comment.id));
    const gone = new Set(removed());
    return loaded.value
      .filter((comment) => !shown.has(comment.id))
      .map((comment) => (gone.has(comment.id) ? { ...comment, text: "", status: "removed" } : comment));
  });

  async function load(): Promise<void> {
    if (state.value !== "more") return;
    state.value = "loading";
    try {
      const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
      const response = await fetch(`/api/v1/events/${eventId}/comments?limit=${PAGE}${more}`);
      if (!response.ok) throw new Error(String(response.status));
      const page = (await response.json()) as { items: RoomComment[]; next_cursor: string | null };
      const known = new Set(loaded.value.map((comment) => comment.id));
      loaded.value = page.items.filter((comment) => !known.has(comment.id)).reverse().concat(loaded.value);
      cursor = page.next_cursor;
      state.value = cursor ? "more" : "end";
    } catch {
      state.value = "more"; // the next scroll tries again
    }
  }

  return { older, state, load };
}
