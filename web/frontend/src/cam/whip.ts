// Publishing by WHIP (RFC 9725), for hours, over a phone's network: one try after the other until it is told to stop.
import type { Quality } from "./camera";

export type LinkState = "idle" | "connecting" | "live" | "reconnecting" | "refused";

export interface LinkFigures {
  bitsPerSecond: number;
  // what congestion control lets through, bits a second; 0 when the browser does not say
  available: number;
  limited: boolean;
  width: number;
  height: number;
}

export interface Refusal {
  code: string;
  title: string;
}

interface Handlers {
  state(state: LinkState, refusal: Refusal | null): void;
  figures(figures: LinkFigures): void;
}

const FIRST_PAUSE_MS = 400;
const MAX_PAUSE_MS = 4000;
// A connection that does not stand after this is tried anew; a phone on a bad network needs 5 s.
const CONNECT_MS = 8000;
// No report from the hub for so long: the path is gone, whatever the browser still hopes.
const DEAF_MS = 3000;
const NUDGE_MS = 2000;
const NUDGE_MAX_LOSS = 0.015;
const MIN_CAP = 400_000;
// Refusals that trying again cannot change
const FINAL = ["whip_unknown_key", "whip_event_over", "whip_contested", "whip_codec"];

export class WhipPublisher {
  // ETags of every session of this page: the hub names the one that publishes now
  readonly own = new Set<string>();
  private connection: RTCPeerConnection | null = null;
  private session: string | null = null;
  private running = false;
  private attempt = 0;
  private pause = FIRST_PAUSE_MS;
  private timer = 0;
  private meter = 0;
  private lastBytes = 0;
  private lastAt = 0;
  private reportAt = 0;
  private report = -1;
  private cap = 0;
  private nudgedAt = 0;
  private iceServers: RTCIceServer[] | null = null;

  constructor(
    private readonly url: string,
    private stream: MediaStream,
    private quality: Quality,
    private readonly on: Handlers,
  ) {
    window.addEventListener("online", this.networkBack);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.pause = FIRST_PAUSE_MS;
    this.on.state("connecting", null);
    void this.connect();
  }

  // Stop publishing, and tell the hub, so that the director sees it at once.
  stop(): void {
    this.running = false;
    this.drop();
    this.on.state("idle", null);
  }

  close(): void {
    this.stop();
    window.removeEventListener("online", this.networkBack);
  }

  // The hub says that nothing of ours arrives, although the browser believes in the connection.
  lost(): void {
    if (this.running && this.connection?.connectionState === "connected") this.again();
  }

  async replace(kind: "video" | "audio", track: MediaStreamTrack, stream: MediaStream): Promise<void> {
    this.stream = stream;
    const sender = this.connection?.getSenders().find((one) => one.track?.kind === kind);
    await sender?.replaceTrack(track);
  }

  async setQuality(quality: Quality): Promise<void> {
    this.quality = quality;
    this.cap = quality.bitrate;
    const sender = this.connection?.getSenders().find((one) => one.track?.kind === "video");
    if (sender) await limit(sender, quality.bitrate);
  }

  // The way is free again, as somebody else has noticed: no need to sit out the pause.
  hurry(): void {
    if (!this.running) return;
    this.pause = FIRST_PAUSE_MS;
    this.again();
  }

  private networkBack = (): void => this.hurry();

  private again(): void {
    this.drop();
    if (!this.running) return;
    this.on.state("reconnecting", null);
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.connect(), this.pause);
    this.pause = Math.min(this.pause * 2, MAX_PAUSE_MS);
  }

  private drop(): void {
    this.attempt += 1;
    window.clearTimeout(this.timer);
    window.clearInterval(this.meter);
    this.connection?.close();
    this.connection = null;
    if (this.session) void fetch(this.session, { method: "DELETE", keepalive: true }).catch(() => undefined);
    this.session = null;
  }

  private async connect(): Promise<void> {
    const attempt = ++this.attempt;
    const current = () => this.running && attempt === this.attempt;
    let refusal: Refusal | null = null;
    try {
      this.iceServers = this.iceServers ?? (await iceServers(this.url));
      if (!current()) return;
      const connection = new RTCPeerConnection({ iceServers: this.iceServers, bundlePolicy: "max-bundle" });
      this.connection = connection;
      for (const track of this.stream.getTracks()) {
        const transceiver = connection.addTransceiver(track, { direction: "sendonly", streams: [this.stream] });
        if (track.kind === "video") preferH264(transceiver);
      }
      connection.onconnectionstatechange = () => {
        if (!current()) return;
        const state = connection.connectionState;
        if (state === "connected") this.connected(connection);
        else if (state === "failed" || state === "closed" || state === "disconnected") this.again();
      };
      await connection.setLocalDescription(await connection.createOffer());
      // the hub needs none of our candidates: it learns from our checks where we are
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "Content-Type": "application/sdp", "Accept-Language": document.documentElement.lang },
        body: connection.localDescription?.sdp ?? "",
      });
      const session = response.headers.get("Location");
      this.own.add(response.headers.get("ETag") ?? "");
      if (!current()) {
        if (session) void fetch(session, { method: "DELETE" }).catch(() => undefined);
        return;
      }
      if (response.status !== 201) {
        const problem = (await response.json().catch(() => ({}))) as Partial<Refusal>;
        if (response.status < 500 || response.status === 503) refusal = { code: problem.code ?? "", title: problem.title ?? "" };
        throw new Error(`WHIP ${response.status}`);
      }
      // the page's own origin is reachable for sure, whatever name the hub gives itself
      this.session = session && location.origin + new URL(session, location.href).pathname;
      await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
      const video = connection.getSenders().find((one) => one.track?.kind === "video");
      this.cap = this.quality.bitrate;
      if (video) await limit(video, this.cap);
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => {
        if (current() && connection.connectionState !== "connected") this.again();
      }, CONNECT_MS);
    } catch {
      if (attempt !== this.attempt || !this.running) return;
      if (refusal && FINAL.includes(refusal.code)) {
        this.running = false;
        this.drop();
        this.on.state("refused", refusal);
      } else this.again();
    }
  }

  private connected(connection: RTCPeerConnection): void {
    window.clearTimeout(this.timer);
    this.on.state("live", null);
    this.lastBytes = 0;
    this.lastAt = 0;
    this.report = -1;
    this.reportAt = performance.now();
    window.clearInterval(this.meter);
    this.meter = window.setInterval(() => void this.measure(connection), 1000);
  }

  private async measure(connection: RTCPeerConnection): Promise<void> {
    const stats = await connection.getStats();
    if (connection !== this.connection) return;
    let bytes = 0;
    let report = -1;
    let lost = 0;
    const figures: LinkFigures = { bitsPerSecond: 0, available: 0, limited: false, width: 0, height: 0 };
    stats.forEach((entry: Record<string, unknown>) => {
      if (entry.type === "outbound-rtp") {
        bytes += Number(entry.bytesSent ?? 0);
        if (entry.kind === "video") {
          figures.width = Number(entry.frameWidth ?? 0);
          figures.height = Number(entry.frameHeight ?? 0);
          figures.limited = entry.qualityLimitationReason === "bandwidth";
        }
      } else if (entry.type === "candidate-pair" && entry.nominated) {
        figures.available = Number(entry.availableOutgoingBitrate ?? 0);
      } else if (entry.type === "remote-inbound-rtp") {
        report = Math.max(report, Number(entry.timestamp ?? 0));
        lost = Math.max(lost, Number(entry.fractionLost ?? 0));
      }
    });
    const now = performance.now();
    if (this.lastAt) figures.bitsPerSecond = Math.max(0, ((bytes - this.lastBytes) * 8000) / (now - this.lastAt));
    // a second of standing makes the next trouble a new one
    if (this.lastAt && bytes > this.lastBytes) this.pause = FIRST_PAUSE_MS;
    this.lastBytes = bytes;
    this.lastAt = now;
    if (report !== this.report) {
      this.report = report;
      this.reportAt = now;
    } else if (report >= 0 && now - this.reportAt > DEAF_MS && document.visibilityState === "visible") {
      this.again();
      return;
    }
    this.on.figures(figures);
    this.nudge(connection, figures, lost, now);
  }

  // After a bad time the browser's estimate climbs by 8 % a second only. It measures the link anew when the limit that it was
  // given changes: so while nothing is lost, the limit goes up in steps of two from what is known to pass.
  private nudge(connection: RTCPeerConnection, figures: LinkFigures, lost: number, now: number): void {
    const { bitrate } = this.quality;
    if (!figures.available || lost > NUDGE_MAX_LOSS || now - this.nudgedAt < NUDGE_MS) return;
    let cap = this.cap;
    if (figures.limited && figures.available < cap * 0.6) cap = Math.max(MIN_CAP, figures.available * 2);
    else if (cap < bitrate && figures.available > cap * 0.75) cap *= 2;
    cap = Math.min(Math.round(cap), bitrate);
    if (cap === this.cap) return;
    this.cap = cap;
    this.nudgedAt = now;
    const sender = connection.getSenders().find((one) => one.track?.kind === "video");
    if (sender) void limit(sender, cap);
  }
}

async function limit(sender: RTCRtpSender, bitrate: number): Promise<void> {
  const parameters = sender.getParameters();
  const encoding = parameters.encodings?.[0];
  if (!encoding) return;
  encoding.maxBitrate = bitrate;
  await sender.setParameters(parameters).catch(() => undefined);
}

// H.264 goes through the hub untouched; everything else costs it an encoder.
function preferH264(transceiver: RTCRtpTransceiver): void {
  const all = RTCRtpSender.getCapabilities?.("video")?.codecs ?? [];
  const first = all.filter((codec) => codec.mimeType.toLowerCase() === "video/h264");
  if (!first.length || !transceiver.setCodecPreferences) return;
  const rest = all.filter((codec) => !first.includes(codec));
  try {
    transceiver.setCodecPreferences([...first, ...rest]);
  } catch {
    // an old browser that knows the method and not the codecs: its own order then
  }
}

// STUN and TURN servers as the hub names them in Link headers (RFC 9725, 4.6).
export function parseLinks(header: string): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  const pattern = /<((?:stun|turn)s?:[^>]+)>([^<]*)/g;
  for (let match = pattern.exec(header); match; match = pattern.exec(header)) {
    const [, urls = "", rest = ""] = match;
    const value = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(rest)?.[1];
    if (value("rel") !== "ice-server") continue;
    const username = value("username");
    servers.push(username ? { urls, username, credential: value("credential") ?? "" } : { urls });
  }
  return servers;
}

async function iceServers(url: string): Promise<RTCIceServer[]> {
  const response = await fetch(url, { method: "OPTIONS" });
  return parseLinks(response.headers.get("Link") ?? "");
}
