import Hls, { type HlsConfig } from "hls.js/light";
import type { Engine } from "./player";

// Quick to try again: the supervisor rebuilds what stays broken.
const retry = { maxNumRetry: 3, retryDelayMs: 400, maxRetryDelayMs: 1500 };
const policy = {
  default: { maxTimeToFirstByteMs: 8000, maxLoadTimeMs: 15000, timeoutRetry: retry, errorRetry: retry },
};

const config: Partial<HlsConfig> = {
  lowLatencyMode: true,
  liveSyncMode: "edge",
  maxLiveSyncPlaybackRate: 1.3,
  backBufferLength: 15,
  maxBufferLength: 12,
  startFragPrefetch: true,
  manifestLoadPolicy: policy,
  playlistLoadPolicy: policy,
  fragLoadPolicy: policy,
};

export function startHls(video: HTMLVideoElement, url: string, fail: () => void): Engine {
  const hls = new Hls(config);
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !recovered) {
      recovered = true;
      hls.recoverMediaError();
    } else fail();
  });
  let recovered = false;
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    destroy: () => hls.destroy(),
    position: () => hls.playingDate?.getTime() ?? null,
    toLiveEdge: () => {
      hls.startLoad();
      if (hls.liveSyncPosition !== null) video.currentTime = hls.liveSyncPosition;
    },
  };
}
