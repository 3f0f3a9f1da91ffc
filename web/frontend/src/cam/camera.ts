// The phone's camera and microphone: opened, turned round, lit, given back.
export type Facing = "user" | "environment";
export type CameraTrouble = "denied" | "noCamera" | "busyCamera";

export interface Quality {
  name: string;
  width: number;
  height: number;
  // what the encoder may spend, bits a second
  bitrate: number;
}

export const USUAL: Quality = { name: "720p", width: 1280, height: 720, bitrate: 2_500_000 };
export const QUALITIES: Quality[] = [
  { name: "480p", width: 854, height: 480, bitrate: 1_200_000 },
  USUAL,
  { name: "1080p", width: 1920, height: 1080, bitrate: 4_500_000 },
];

export interface Opened {
  stream: MediaStream;
  video: MediaStreamTrack;
  audio: MediaStreamTrack | null;
}

export class CameraError extends Error {
  constructor(readonly trouble: CameraTrouble) {
    super(trouble);
  }
}

const SOUND: MediaTrackConstraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };

function constraints(facing: Facing, quality: Quality): MediaTrackConstraints {
  return {
    facingMode: { ideal: facing },
    width: { ideal: quality.width },
    height: { ideal: quality.height },
    frameRate: { ideal: 30, max: 30 },
  };
}

// Camera with microphone; without the microphone when there is none, so that a picture comes at least.
export async function openCamera(facing: Facing, quality: Quality): Promise<Opened> {
  const video = constraints(facing, quality);
  try {
    return opened(await navigator.mediaDevices.getUserMedia({ video, audio: SOUND }));
  } catch (error) {
    const name = (error as DOMException).name;
    if (name === "NotFoundError" || name === "NotReadableError") {
      try {
        return opened(await navigator.mediaDevices.getUserMedia({ video, audio: false }));
      } catch (again) {
        throw trouble((again as DOMException).name);
      }
    }
    throw trouble(name);
  }
}

// Another camera or another size; the microphone stays open.
export async function reopenVideo(facing: Facing, quality: Quality): Promise<MediaStreamTrack> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: constraints(facing, quality), audio: false });
    return opened(stream).video;
  } catch (error) {
    throw trouble((error as DOMException).name);
  }
}

function opened(stream: MediaStream): Opened {
  const [video] = stream.getVideoTracks();
  if (!video) throw new CameraError("noCamera");
  return { stream, video, audio: stream.getAudioTracks()[0] ?? null };
}

function trouble(name: string | undefined): CameraError {
  if (name === "NotAllowedError" || name === "SecurityError") return new CameraError("denied");
  return new CameraError(name === "NotReadableError" || name === "AbortError" ? "busyCamera" : "noCamera");
}

export function hasTorch(track: MediaStreamTrack): boolean {
  const capabilities = track.getCapabilities?.() as { torch?: boolean } | undefined;
  return Boolean(capabilities?.torch);
}

export async function setTorch(track: MediaStreamTrack, on: boolean): Promise<void> {
  await track.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] });
}

export async function cameraCount(): Promise<number> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput").length;
}

// The screen stays on while the page is open; asked for anew whenever the page comes back into sight.
export function keepAwake(): () => void {
  type Lock = { release(): Promise<void> };
  const source = (navigator as { wakeLock?: { request(kind: "screen"): Promise<Lock> } }).wakeLock;
  let lock: Lock | null = null;
  const ask = () => {
    if (source && document.visibilityState === "visible") {
      source.request("screen").then(
        (granted) => (lock = granted),
        () => undefined,
      );
    }
  };
  ask();
  document.addEventListener("visibilitychange", ask);
  return () => {
    document.removeEventListener("visibilitychange", ask);
    void lock?.release();
  };
}
