// WHEP: the venue's picture over WebRTC. Connected first, shown only once media comes: another player keeps the screen till then.
import type { Engine } from "./player";

const CONNECT_MS = 8000;
const LOST_MS = 4000; // a phone that changes networks reports "disconnected" and often heals
const STATS_MS = 1000;
const NTP_EPOCH_MS = 2208988800000;

type Inbound = { type: string; kind?: string; estimatedPlayoutTimestamp?: number };

// `<turn:host:3478?transport=udp>; rel="ice-server"; username="u"; credential="c"`
export function iceServers(link: string | null): RTCIceServer[] {
  return (link ?? "")
    .split(/,\s*(?=<)/)
    .filter((part) => part.includes('rel="ice-server"'))
    .map((part) => {
      const value = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(part)?.[1];
      const server: RTCIceServer = { urls: /<([^>]*)>/.exec(part)?.[1] ?? "" };
      const [username, credential] = [value("username"), value("credential")];
      return username ? { ...server, username, credential } : server;
    })
    .filter((server) => server.urls !== "");
}

// Resolves once media flows; rejects when it does not within CONNECT_MS. `attach` puts it on the screen.
export async function connectWhep(url: string, fail: () => void): Promise<Engine & { attach(video: HTMLVideoElement): void }> {
  const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", sdpSemantics: "unified-plan" } as RTCConfiguration);
  let session: string | null = null;
  let shown: HTMLVideoElement | null = null;
  let utc: number | null = null;
  let readAt = 0;
  let lost: ReturnType<typeof setTimeout> | undefined;

  const read = async () => {
    const report = await connection.getStats();
    report.forEach((entry: Inbound) => {
      if (entry.type !== "inbound-rtp" || entry.kind !== "video" || !entry.estimatedPlayoutTimestamp) return;
      const stamp = entry.estimatedPlayoutTimestamp;
      utc = stamp > NTP_EPOCH_MS ? stamp - NTP_EPOCH_MS : stamp;
      readAt = performance.now();
    });
  };
  const stats = setInterval(() => void read().catch(() => undefined), STATS_MS);
  const destroy = () => {
    clearTimeout(lost);
    clearInterval(stats);
    connection.close();
    if (shown) shown.srcObject = null;
    if (session) void fetch(session, { method: "DELETE", keepalive: true }).catch(() => undefined);
    session = null;
  };
  const watch = () => {
    clearTimeout(lost);
    const state = connection.connectionState ?? connection.iceConnectionState;
    if (state === "failed" || state === "closed") fail();
    else if (state === "disconnected") lost = setTimeout(fail, LOST_MS);
  };
  const stream = new MediaStream();
  try {
    const video = connection.addTransceiver("video", { direction: "recvonly" });
    connection.addTransceiver("audio", { direction: "recvonly" });
    connection.ontrack = (event) => stream.addTrack(event.track);
    connection.onconnectionstatechange = watch;
    connection.oniceconnectionstatechange = watch;
    const flows = new Promise<void>((resolve, reject) => {
      video.receiver.track.onunmute = () => resolve();
      setTimeout(() => reject(new Error("no media")), CONNECT_MS);
    });
    flows.catch(() => undefined);
    const offer = await connection.createOffer();
    const sdp = (offer.sdp ?? "").replace(/useinbandfec=1/g, "useinbandfec=1;stereo=1");
    const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: sdp });
    if (response.status !== 201) throw new Error(`WHEP ${response.status}`);
    session = response.headers.get("Location");
    if (session) session = new URL(session, url).href;
    const answer = await response.text();
    // the answer names the relays: gathering begins only now, so that no request is spent on asking for them
    const servers = iceServers(response.headers.get("Link"));
    if (servers.length) connection.setConfiguration({ ...connection.getConfiguration(), iceServers: servers });
    await connection.setLocalDescription({ type: "offer", sdp });
    await connection.setRemoteDescription({ type: "answer", sdp: answer });
    await flows;
  } catch (error) {
    destroy();
    throw error;
  }
  return {
    attach: (video) => {
      shown = video;
      video.removeAttribute("src");
      video.srcObject = stream;
    },
    destroy,
    position: () => (utc === null ? null : utc + performance.now() - readAt),
    toLiveEdge: () => undefined, // it is nowhere else
  };
}
