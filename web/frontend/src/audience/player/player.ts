// One <video> that shows a venue by whatever protocol works, and keeps showing it.
import { begin, look, type Supervision } from "./supervisor";

export type Protocol = "hls" | "native" | "flv";
export type Quality = "waiting" | "good" | "weak" | "lost" | "offline";

export interface Source {
  hls_url: string;
  flv_url: string;
}

export interface Engine {
  destroy(): void;
  // UTC of the picture on screen, milliseconds
  position(): number | null;
  // jump to where the live is
  toLiveEdge(): void;
}

const LOOK_MS = 500;
const FAR_BEHIND_SECONDS = 8;

export class LivePlayer {
  private engine: Engine | null = null;
  private source: Source | null = null;
  private supervision: Supervision;
  private timer: ReturnType<typeof setInterval>;
  private lastTime = 0;
  private failed = false;
  private protocols: Protocol[] = [];
  private choice = 0;
  private generation = 0;
  private stalls: number[] = [];
  private wake = (): void => this.onWake();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly onQuality: (quality: Quality) => void,
    private readonly onUnplayable: () => void,
    forced: string | null,
  ) {
    this.protocols = supported(video, forced);
    this.supervision = begin(performance.now());
    this.timer = setInterval(() => this.check(), LOOK_MS);
    for (const name of ["online", "pageshow"]) window.addEventListener(name, this.wake);
    document.addEventListener("visibilitychange", this.wake);
    document.addEventListener("WeixinJSBridgeReady", () => this.play());
  }

  get playing(): boolean {
    return !this.video.paused && this.video.readyState >= 3;
  }

  get position(): number | null {
    return this.engine?.position() ?? null;
  }

  show(source: Source): void {
    this.source = source;
    this.choice = 0;
    this.supervision = begin(performance.now());
    void this.build();
  }

  // Nothing of what was buffered may be seen any more.
  clear(): void {
    this.source = null;
    this.generation++;
    this.drop();
  }

  destroy(): void {
    this.clear();
    clearInterval(this.timer);
    for (const name of ["online", "pageshow"]) window.removeEventListener(name, this.wake);
    document.removeEventListener("visibilitychange", this.wake);
  }

  private drop(): void {
    this.engine?.destroy();
    this.engine = null;
    this.video.removeAttribute("src");
    this.video.load();
  }

  private async build(): Promise<void> {
    const source = this.source;
    const protocol = this.protocols[this.choice % Math.max(1, this.protocols.length)];
    if (!source) return;
    if (!protocol) {
      this.onUnplayable();
      return;
    }
    const generation = ++this.generation;
    this.engine?.destroy();
    this.engine = null;
    this.failed = false;
    const fail = () => {
      if (generation === this.generation) this.failed = true;
    };
    try {
      const engine = await start(protocol, this.video, source, fail);
      if (generation !== this.generation) engine.destroy();
      else {
        this.engine = engine;
        this.play();
      }
    } catch {
      fail();
    }
  }

  private play(): void {
    const promise = this.video.play() as Promise<void> | undefined;
    promise?.catch(() => {
      // some webviews play only muted until a tap
      if (!this.video.muted) {
        this.video.muted = true;
        this.video.play()?.catch(() => undefined);
      }
    });
  }

  private check(): void {
    const now = performance.now();
    const time = this.video.currentTime;
    const advanced = time !== this.lastTime && !this.video.paused;
    this.lastTime = time;
    const wanted = this.source !== null;
    const [next, action] = look(this.supervision, {
      now,
      advanced,
      failed: this.failed,
      wanted,
      hidden: document.hidden,
      online: navigator.onLine,
    });
    const standing = now - next.movedAt;
    this.supervision = next;
    if (wanted && standing > 600 && standing < 1200) this.stalls = [...this.stalls, now].filter((at) => now - at < 30_000);
    this.tell(wanted, standing);
    if (action === "nudge") {
      this.engine?.toLiveEdge();
      this.play();
    } else if (action === "rebuild") void this.build();
    else if (action === "other_protocol") {
      this.choice++;
      void this.build();
    }
  }

  private tell(wanted: boolean, standing: number): void {
    if (!wanted) return;
    if (!navigator.onLine) this.onQuality("offline");
    else if (standing > 3000) this.onQuality(this.lastTime > 0 ? "lost" : "waiting");
    else this.onQuality(this.stalls.filter((at) => performance.now() - at < 30_000).length >= 2 ? "weak" : "good");
  }

  // The network is back, or the page is looked at again: be at the live edge, quickly.
  private onWake(): void {
    if (document.hidden || !this.source || !this.engine || !navigator.onLine) return;
    const position = this.position;
    const behind = position === null ? 0 : (Date.now() - position) / 1000;
    if (this.failed || behind > FAR_BEHIND_SECONDS) void this.build();
    else this.play();
  }
}

export function supported(video: HTMLVideoElement, forced: string | null): Protocol[] {
  const mse = "MediaSource" in window && MediaSource.isTypeSupported('video/mp4; codecs="avc1.42E01E,mp4a.40.2"');
  const native = video.canPlayType("application/vnd.apple.mpegurl") !== "";
  if (forced === "flv") return mse ? ["flv"] : [];
  if (forced === "hls") return mse ? ["hls"] : native ? ["native"] : [];
  if (mse) return ["hls", "flv"];
  return native ? ["native"] : [];
}

async function start(protocol: Protocol, video: HTMLVideoElement, source: Source, fail: () => void): Promise<Engine> {
  switch (protocol) {
    case "hls":
      return (await import("./hls")).startHls(video, source.hls_url, fail);
    case "flv":
      return (await import("./flv")).startFlv(video, source.flv_url, fail);
    case "native":
      return startNative(video, source.hls_url, fail);
  }
}

function startNative(video: HTMLVideoElement, url: string, fail: () => void): Engine {
  video.src = url;
  video.addEventListener("error", fail);
  return {
    destroy: () => video.removeEventListener("error", fail),
    position: () => {
      const started = (video as unknown as { getStartDate?: () => Date }).getStartDate?.().getTime();
      return started !== undefined && !Number.isNaN(started) ? started + video.currentTime * 1000 : null;
    },
    toLiveEdge: () => {
      const { seekable } = video;
      if (seekable.length) video.currentTime = seekable.end(seekable.length - 1) - 2;
    },
  };
}

