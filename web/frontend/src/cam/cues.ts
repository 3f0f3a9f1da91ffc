// What the hub tells this camera: tally, messages, its link; pushed as it changes, asked for when that fails.
import type { components } from "../shared/api/types";

export type CameraState = components["schemas"]["CameraState"];

interface Handlers {
  state(state: CameraState): void;
  gone(): void;
  lost(lost: boolean): void;
}

// The hub speaks every 10 s at least.
const SILENCE_MS = 25_000;
const RETRY_MS = 1500;

export function followCues(key: string, on: Handlers): () => void {
  const url = `/api/v1/cam/${encodeURIComponent(key)}`;
  let source: EventSource | null = null;
  let timer = 0;
  let closed = false;

  const expect = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(again, SILENCE_MS);
  };

  const again = () => {
    source?.close();
    if (closed) return;
    on.lost(true);
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), RETRY_MS);
  };

  // an EventSource hides why it failed: one question tells a lost network from a link that is no longer valid
  const ask = async () => {
    try {
      const response = await fetch(url, { cache: "no-store" });
      if (response.status === 404) {
        if (!closed) on.gone();
        return;
      }
      if (!response.ok) throw new Error(String(response.status));
      const state = (await response.json()) as CameraState;
      if (closed) return;
      on.lost(false);
      on.state(state);
      open();
    } catch {
      if (!closed) again();
    }
  };

  const open = () => {
    const made = (source = new EventSource(`${url}/events`));
    made.addEventListener("state", (event) => {
      on.lost(false);
      on.state(JSON.parse((event as MessageEvent<string>).data) as CameraState);
      expect();
    });
    made.addEventListener("alive", expect);
    made.addEventListener("gone", () => {
      made.close();
      window.clearTimeout(timer);
      on.gone();
    });
    made.onerror = again;
    expect();
  };

  void ask();
  return () => {
    closed = true;
    window.clearTimeout(timer);
    source?.close();
  };
}
