import mpegts from "mpegts.js";
import type { Engine } from "./player";

export function startFlv(video: HTMLVideoElement, url: string, fail: () => void): Engine {
  const player = mpegts.createPlayer(
    { type: "flv", isLive: true, url },
    {
      enableStashBuffer: false,
      liveBufferLatencyChasing: true,
      liveBufferLatencyMaxLatency: 1.2,
      liveBufferLatencyMinRemain: 0.3,
      liveSync: true,
      liveSyncMaxLatency: 0.6,
      liveSyncTargetLatency: 0.4,
      liveSyncPlaybackRate: 1.15,
      autoCleanupSourceBuffer: true,
    },
  );
  let utc: number | null = null;
  player.on(mpegts.Events.ERROR, fail);
  player.on(mpegts.Events.LOADING_COMPLETE, fail); // a live stream that ends has to be opened anew
  player.on(mpegts.Events.SCRIPTDATA_ARRIVED, (data: { onUtc?: { utc?: number } }) => {
    if (data.onUtc?.utc) utc = data.onUtc.utc;
  });
  player.attachMediaElement(video);
  player.load();
  const end = () => (video.buffered.length ? video.buffered.end(video.buffered.length - 1) : video.currentTime);
  return {
    destroy: () => player.destroy(),
    position: () => (utc === null ? null : utc - Math.max(0, end() - video.currentTime) * 1000),
    toLiveEdge: () => {
      video.currentTime = Math.max(0, end() - 0.3);
    },
  };
}
