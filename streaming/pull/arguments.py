"""ffmpeg's input arguments for a source: time limits, allowed protocols, pace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from streaming.events.model import Source

TIMEOUT_MICROSECONDS = "8000000"
"""A camera that does not answer within 8 s does not answer."""
_WEB = "http,https,httpproxy,tcp,tls,crypto,data"
_PROTOCOLS = {
    "rtsp": "rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto",
    "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto",
    "rtmp": "rtmp,rtmps,tcp,tls,crypto",
    "rtmps": "rtmp,rtmps,tcp,tls,crypto",
    "http": _WEB,
    "https": _WEB,
    "srt": "srt",
    "file": "file,crypto,data",
}
"""What an address may lead ffmpeg to: a playlist of the web never to a file of ours (STREAMING: SSRF)."""
_FILMS = (".mp4", ".mkv", ".mov", ".ts", ".m4v")


def source_arguments(source: Source, files: Sequence[Path], listing: Path | None, *, attempt: int) -> list[str]:
    """Everything up to and including `-i`. `files`: of a file source; `listing`: a concat list of them, if several."""
    scheme = urlsplit(source.url).scheme.lower()
    allowed = ["-protocol_whitelist", _PROTOCOLS[scheme]]
    if scheme == "file":
        loop = ["-re", "-stream_loop", "-1", *allowed]
        if listing is not None:
            return [*loop, "-f", "concat", "-safe", "0", "-i", str(listing)]
        return [*loop, "-i", str(files[0])]
    probe = ["-probesize", "2000000", "-analyzeduration", "3000000"]
    match scheme:
        case "rtsp" | "rtsps":
            transport = ["-rtsp_transport", _transport(source, attempt), "-timeout", TIMEOUT_MICROSECONDS]
            return [*allowed, *transport, "-fflags", "nobuffer", *probe, "-i", source.url]
        case "rtmp" | "rtmps":
            return [
                *allowed, "-rw_timeout", TIMEOUT_MICROSECONDS, "-rtmp_live", "live", "-fflags", "nobuffer", *probe,
                "-i", source.url,
            ]  # fmt: skip
        case "srt":
            return [*allowed, "-timeout", TIMEOUT_MICROSECONDS, "-fflags", "nobuffer", *probe, "-i", source.url]
    path = urlsplit(source.url).path.lower()
    wait = [*allowed, "-rw_timeout", TIMEOUT_MICROSECONDS]
    if path.endswith(_FILMS):
        return ["-re", "-stream_loop", "-1", *wait, "-i", source.url]
    if path.endswith(".m3u8"):
        # three segments come at once, and then one at a time: handed on at the pace of a camera
        return ["-readrate", "1", "-readrate_initial_burst", "1", "-readrate_catchup", "1.05", *wait, "-i", source.url]
    return [*wait, "-fflags", "nobuffer", *probe, "-i", source.url]


def _transport(source: Source, attempt: int) -> str:
    """TCP passes every router; cameras that only know UDP get it on every second attempt."""
    if source.transport != "auto":
        return source.transport
    return "tcp" if attempt % 2 == 0 else "udp"


def concat_listing(files: Sequence[Path]) -> str:
    """ffmpeg's concat list. Names hold no quotes (`streaming.pull.address`); a folder's may."""
    return "ffconcat version 1.0\n" + "".join(f"file '{str(path).replace(chr(39), _QUOTE)}'\n" for path in files)


_QUOTE = "'\\''"
