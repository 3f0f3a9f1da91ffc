// Whether this browser can take H.264 over WebRTC; asked before the player for it is loaded.
export function whepSupported(): boolean {
  if (!("RTCPeerConnection" in window) || !("addTransceiver" in RTCPeerConnection.prototype)) return false;
  const codecs = window.RTCRtpReceiver?.getCapabilities?.("video")?.codecs;
  return !codecs || codecs.some((codec) => codec.mimeType.toLowerCase() === "video/h264");
}
