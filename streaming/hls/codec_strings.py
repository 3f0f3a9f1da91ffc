"""The CODECS attribute of a rendition (RFC 6381), from its tracks' MP4 configurations."""

from __future__ import annotations

from collections.abc import Iterable

from streaming.media import Codec, Track


def codecs_attribute(tracks: Iterable[Track]) -> str:
    """E.g. ``avc1.64001f,mp4a.40.2``."""
    return ",".join(codec_string(track) for track in tracks)


def codec_string(track: Track) -> str:
    config = track.config
    match track.codec:
        case Codec.H264:
            return f"avc1.{config[1:4].hex()}"  # profile, constraints, level (RFC 6381, 3.3)
        case Codec.HEVC:
            return _hevc(config)
        case Codec.AV1:
            return _av1(config)
        case Codec.AAC:
            return f"mp4a.40.{_audio_object_type(config)}"
        case Codec.OPUS:
            return "opus"
        case Codec.VP8:
            return "vp8"


def _hevc(config: bytes) -> str:
    """ISO/IEC 14496-15, annex E.3, from the body of hvcC."""
    space = ("", "A", "B", "C")[config[1] >> 6]
    tier = "H" if config[1] & 0x20 else "L"
    compatibility = int(f"{int.from_bytes(config[2:6], 'big'):032b}"[::-1], 2)  # in reverse bit order
    constraints = config[6:12].rstrip(b"\0")
    parts = [f"hvc1.{space}{config[1] & 0x1F}", f"{compatibility:X}", f"{tier}{config[12]}"]
    return ".".join(parts + [f"{byte:X}" for byte in constraints])


def _av1(config: bytes) -> str:
    """AV1 in ISOBMFF, section 5, from the body of av1C."""
    profile, level = config[1] >> 5, config[1] & 0x1F
    tier = "H" if config[2] & 0x80 else "M"
    depth = 8 if not config[2] & 0x40 else 12 if config[2] & 0x20 else 10
    return f"av01.{profile}.{level:02d}{tier}.{depth:02d}"


def _audio_object_type(config: bytes) -> int:
    """The first five bits, or six more after the escape (14496-3, 1.6.2.1)."""
    first = config[0] >> 3
    if first != 31:
        return first
    return 32 + ((config[0] & 0x07) << 3 | config[1] >> 5)
