"""Real encoded media as stream items: made by the ffmpeg binary, read by PyAV, kept for the session."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

import av
import imageio_ffmpeg

from streaming.media import AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, Codec, Format, Item, Packet, Track

FIRST_ARRIVAL = 1_790_000_000.0

_VIDEO = {
    Codec.H264: ["-c:v", "libx264", "-preset", "ultrafast"],
    Codec.HEVC: ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", "log-level=none:pools=1"],
}
_AUDIO = {Codec.AAC: ["-c:a", "aac"], Codec.OPUS: ["-c:a", "libopus"]}


@functools.cache
def encode(
    seconds: float = 6.0,
    *,
    video: Codec | None = Codec.H264,
    audio: Codec | None = Codec.AAC,
    rate: str = "25",
    gop: int = 50,
    size: str = "320x180",
    b_frames: int = 0,
) -> tuple[Item, ...]:
    """A Format and its packets in decode order, arriving in real time from `FIRST_ARRIVAL`."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    if video:
        command += ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]
    if audio:
        command += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}"]
    if video:
        command += _VIDEO[video] + [
            "-g",
            str(gop),
            "-keyint_min",
            str(gop),
            "-bf",
            str(b_frames),
            "-pix_fmt",
            "yuv420p",
        ]
        command += ["-sc_threshold", "0"]
    if audio:
        command += _AUDIO[audio]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "media.mp4"
        subprocess.run([*command, str(path)], check=True, timeout=60)
        return tuple(_items(path))


def _items(path: Path) -> list[Item]:
    with av.open(str(path)) as container:
        tracks: dict[int, Track] = {}
        for stream in container.streams:
            config = bytes(stream.codec_context.extradata or b"")
            if isinstance(stream, av.VideoStream):
                tracks[stream.index] = Track(
                    VIDEO_TRACK, Codec(stream.codec_context.name), VIDEO_TIMESCALE, config, stream.width, stream.height
                )
            elif isinstance(stream, av.AudioStream):
                codec = Codec.OPUS if "opus" in stream.codec_context.name else Codec.AAC
                if codec is Codec.OPUS:
                    config = config.removeprefix(b"OpusHead")
                rate = stream.codec_context.sample_rate
                tracks[stream.index] = Track(
                    AUDIO_TRACK, codec, rate, config, 0, 0, rate, stream.codec_context.channels
                )
        packets = []
        for packet in container.demux():
            if packet.dts is None or packet.pts is None:
                continue
            track = tracks[packet.stream_index]
            scale = packet.time_base * track.timescale
            dts, pts = round(packet.dts * scale), round(packet.pts * scale)
            duration = round((packet.duration or 0) * scale)
            arrival = FIRST_ARRIVAL + dts / track.timescale
            packets.append(
                Packet(
                    track.id, dts, pts, duration, packet.is_keyframe or track.id == AUDIO_TRACK, bytes(packet), arrival
                )
            )
    packets.sort(key=lambda packet: packet.arrival)
    return [Format(tuple(sorted(tracks.values(), key=lambda track: track.id)), reason="start"), *packets]
