// One <video> that shows a venue by whatever protocol works, and keeps showing it.
import { choose, due, failed, type LowDelay, type LowDelayState, worked } from "./low-delay";
import { begin, look, type Supervision } from "./supervisor";

export type Protocol = "hls" | "native" | "flv";
export type Quality = "waiting" | "good" | "weak" | "lost" | "offline";

export interface Source {
  hls_url: string;
  flv_url: string;
  whep_url: string;
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
const LOW_DELAY_PATIENCE_MS = 2500; // a blocked UDP port is no reason for a black screen
const LOW_DELAY_STALL_MS = 5000; // WebRTC that stands this long is left for segments

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
  private low: LowDelay = choose(false);
  private showsLow = false; // what is on the screen now comes by WHEP
  private tryingLow = false;
  private wake = (): void => this.onWake();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly onQuality: (quality: Quality) => void,
    private readonly onUnplayable: () => void,
    forced: string | null,
    private readonly onLowDelay: (state: LowDelayState) => void = () => undefined,
  ) {
    this.protocols = supported(video, forced);
    if (forced === "whep") this.low = choose(true);
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

  // How what is on the screen comes here.
  get protocol(): "hls" | "flv" | "whep" | null {
    if (!this.engine) return null;
    if (this.showsLow) return "whep";
    return this.protocols[this.choice % Math.max(1, this.protocols.length)] === "flv" ? "flv" : "hls";
  }

  show(source: Source): void {
    this.source = source;
    this.choice = 0;
    this.supervision = begin(performance.now());
    if (this.low.chosen) {
      this.low = choose(true);
      this.onLowDelay("trying");
    }
    void this.start();
  }

  // The viewer's wish; what is on the screen stays until the other way shows a picture.
  lowDelay(on: boolean): void {
    if (on === this.low.chosen) return;
    this.low = choose(on);
    this.onLowDelay(on ? "trying" : "off");
    if (!this.source) return;
    if (on) void this.tryLow();
    else if (this.showsLow) void this.build();
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
    this.showsLow = false;
    this.video.srcObject = null;
    this.video.removeAttribute("src");
    this.video.load();
  }

  private async start(): Promise<void> {
    if (!this.low.chosen) return this.build();
    const generation = ++this.generation;
    this.drop();
    await Promise.race([this.tryLow(), new Promise((resolve) => setTimeout(resolve, LOW_DELAY_PATIENCE_MS))]);
    // it may still come, and then takes the screen from the ordinary delay
    if (generation === this.generation && !this.showsLow) await this.build();
  }

  // Connect beside what is shown, and take the screen only with a picture.
  private async tryLow(): Promise<void> {
    const source = this.source;
    if (!source || this.tryingLow) return;
    this.tryingLow = true;
    let current = false;
    try {
      const { connectWhep } = await import("./whep");
      const engine = await connectWhep(source.whep_url, () => {
        if (current && this.showsLow) this.failed = true;
      });
      if (source !== this.source || !this.low.chosen) {
        engine.destroy();
        return;
      }
      this.generation++;
      this.engine?.destroy();
      this.engine = engine;
      this.failed = false;
      this.showsLow = current = true;
      engine.attach(this.video);
      this.supervision = begin(performance.now());
      this.low = worked(this.low);
      this.onLowDelay("on");
      this.play();
    } catch {
      if (source === this.source && this.low.chosen) this.leaveLow();
    } finally {
      this.tryingLow = false;
    }
  }

  private leaveLow(): void {
    this.low = failed(this.low, performance.now());
    this.onLowDelay("fallback");
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
    if (this.showsLow) {
      this.showsLow = false;
      this.video.srcObject = null;
    }
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
    // over WebRTC the clock goes on with the sound: only shown frames tell
    const time = this.showsLow ? (this.video.getVideoPlaybackQuality?.().totalVideoFrames ?? this.video.currentTime) : this.video.currentTime;
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
    if (this.showsLow && (this.failed || action !== "none")) {
      if (this.failed || standing > LOW_DELAY_STALL_MS) {
        this.leaveLow();
        void this.build();
      } else this.play();
    } else if (action === "nudge") {
      this.engine?.toLiveEdge();
      this.play();
    } else if (action === "rebuild") void this.build();
    else if (action === "other_protocol") {
      this.choice++;
      void this.build();
    } else if (wanted && !this.showsLow && !document.hidden && navigator.onLine && due(this.low, now)) void this.tryLow();
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
    if (this.failed || behind > FAR_BEHIND_SECONDS) void this.start();
    else this.play();
  }
}

export function supported(video: HTMLVideoElement, forced: string | null): Protocol[] {
  const mse = "MediaSource" in window && MediaSource.isTypeSupported('video/mp4; codecs="avc1.42E01E,mp4a.40.2"');
  const native = video.canPlayType("application/vnd.apple.mpegurl") !== "";
  if (forced === "whep") return mse ? ["hls"] : native ? ["native"] : []; // tried first, by `start`
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

