// The address that QR codes and push addresses hold: the hub's first that answers, or the one the crew chose.
import { reactive } from "vue";
import { get, type Addresses } from "./api";

const KEPT = "venuecast.address";
export const addresses = reactive<{ list: Addresses | null; chosen: string | null }>({
  list: null,
  chosen: localStorage.getItem(KEPT),
});

export async function loadAddresses(): Promise<void> {
  addresses.list = await get<Addresses>("/addresses");
}

export function choose(url: string): void {
  addresses.chosen = url;
  localStorage.setItem(KEPT, url);
}

export function bestAddress(): string {
  const known = addresses.list?.items.map((item) => item.url) ?? [];
  if (addresses.chosen && known.includes(addresses.chosen)) return addresses.chosen;
  return addresses.list?.preferred ?? location.origin;
}

// The same path under the address that others can reach.
export function reachable(url: string): string {
  const from = new URL(url);
  const to = new URL(bestAddress());
  if (from.protocol.startsWith("http")) return to.origin + from.pathname + from.search;
  return `${from.protocol}//${to.hostname}${from.port ? ":" + from.port : ""}${from.pathname}${from.search}`;
}
