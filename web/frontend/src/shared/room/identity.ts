// Who this page speaks as: an account of the county's app, or this device.
// The app's token leaves the address as this module loads, before anything else of the page runs: people share their
// address bar. It is exchanged once; what comes of it lives as long as this webview.
import { shallowRef } from "vue";

export interface Identity {
  token: string;
  anonymous: boolean;
  nickname: string;
  avatar: string | null;
}

interface Joined extends Identity {
  viewer_id: string;
}

const DEVICE = "venuecast.device";
const VIEWER = "venuecast.viewer.";
const KEPT_MS = 23 * 3600_000; // the hub's token lives a day

function takeFromAddress(): string {
  const found = new URLSearchParams(location.search);
  const token = found.get("token") ?? "";
  if (found.has("token")) {
    found.delete("token");
    const rest = found.toString();
    history.replaceState(null, "", location.pathname + (rest ? "?" + rest : "") + location.hash);
  }
  return token;
}

let appToken = takeFromAddress();

export const identity = shallowRef<Identity | null>(null);
// why the app's token was not taken, in the reader's words
export const signOnTrouble = shallowRef("");

export function randomId(): string {
  const bytes = new Uint8Array(12);
  crypto.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function deviceId(): string {
  let id = localStorage.getItem(DEVICE);
  if (!id) {
    id = randomId();
    localStorage.setItem(DEVICE, id);
  }
  return id;
}

function kept(eventId: string): Identity | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(VIEWER + eventId) ?? "null") as (Identity & { until: number }) | null;
    return found && found.until > Date.now() ? found : null;
  } catch {
    return null;
  }
}

export function forget(eventId: string): void {
  sessionStorage.removeItem(VIEWER + eventId);
}

async function ask(eventId: string, body: object): Promise<Response> {
  return fetch(`/api/v1/events/${eventId}/join`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang },
    body: JSON.stringify(body),
  });
}

// A token for the room's socket, or "" when the hub cannot be reached. Never throws.
export async function enter(eventId: string): Promise<string> {
  try {
    if (appToken) {
      const response = await ask(eventId, { device_id: deviceId(), app_token: appToken });
      if (response.ok) {
        appToken = "";
        const joined = (await response.json()) as Joined;
        identity.value = joined;
        sessionStorage.setItem(VIEWER + eventId, JSON.stringify({ ...joined, until: Date.now() + KEPT_MS }));
        return joined.token;
      }
      if (response.status < 500) {
        // it will not get better: go on as this device, and say why
        appToken = "";
        signOnTrouble.value = ((await response.json()) as { title?: string }).title ?? "";
      } else return "";
    }
    const before = kept(eventId);
    if (before) {
      identity.value = before;
      return before.token;
    }
    const response = await ask(eventId, { device_id: deviceId() });
    if (!response.ok) return "";
    const joined = (await response.json()) as Joined;
    identity.value = joined;
    return joined.token;
  } catch {
    return "";
  }
}
