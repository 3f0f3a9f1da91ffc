// Which activity the sheet shows, and what this viewer did in each.
import { computed, ref, watch, type Ref } from "vue";
import type { RoomClient } from "../../shared/room/client";
import type { RoomState } from "../../shared/room/reducer";

const AGAIN_MS = 5_000;

export function useActivities(room: Ref<RoomState>, client: RoomClient) {
  const shownId = ref<string | null>(null);
  const mine = ref<Record<string, Record<string, unknown>>>({});
  const shown = computed(() => room.value.activities.find((one) => one.id === shownId.value) ?? null);
  let timer: ReturnType<typeof setInterval> | undefined;

  async function refreshMine(): Promise<void> {
    if (client.connected) mine.value = await client.mine();
  }

  function show(id: string | null): void {
    shownId.value = id;
    clearInterval(timer);
    if (!id) return;
    void refreshMine();
    timer = setInterval(() => {
      if (!document.hidden) void refreshMine();
    }, AGAIN_MS);
  }

  // one that opens while somebody watches slides up, unless that person is writing or looks at another
  watch(
    () => ({ loaded: room.value.epoch > 0, open: room.value.activities.filter((one) => one.state === "open").map((one) => one.id) }),
    (now, before) => {
      if (!before.loaded) return; // who comes later chooses
      const fresh = now.open.find((id) => !before.open.includes(id));
      const writing = document.activeElement instanceof HTMLInputElement;
      if (fresh && !shownId.value && !writing) show(fresh);
    },
  );
  // a prize: its sheet slides up with the claim form
  client.onPersonal((payload) => {
    if (payload.type === "prize" && typeof payload.activity_id === "string") show(payload.activity_id);
  });
  // a question has reached this viewer's picture: its sheet slides up, unless that person is writing
  client.onPersonal((payload) => {
    const writing = document.activeElement instanceof HTMLInputElement;
    if (payload.type === "question" && typeof payload.activity_id === "string" && shownId.value !== payload.activity_id && !writing) {
      show(payload.activity_id);
    }
  });
  return { shown, mine, show, refreshMine };
}
