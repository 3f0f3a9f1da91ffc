// Ask again every so often while the page is seen; say when the hub does not answer.
import { onBeforeUnmount, onMounted, ref, type Ref } from "vue";

export function usePoll(ask: () => Promise<void>, milliseconds: number): { stale: Ref<boolean>; now: () => void } {
  const stale = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let alive = true;

  async function round(): Promise<void> {
    clearTimeout(timer);
    if (!alive) return;
    if (!document.hidden) {
      try {
        await ask();
        stale.value = false;
      } catch {
        stale.value = true;
      }
    }
    if (alive) timer = setTimeout(round, milliseconds);
  }

  const onVisible = () => void (document.hidden || round());
  onMounted(() => {
    document.addEventListener("visibilitychange", onVisible);
    void round();
  });
  onBeforeUnmount(() => {
    alive = false;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
  });
  return { stale, now: () => void round() };
}
