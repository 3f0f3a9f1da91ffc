"""What to agree to of a publisher's offer: one video and one audio, in codecs that the hub can carry."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

from streaming.webrtc.receive.codecs import VIDEO_CODECS, VideoCodec
from streaming.webrtc.receive.receiver import Agreed
from streaming.webrtc.rtp import ABS_SEND_TIME, MID, TRANSPORT_CC
from streaming.webrtc.sdp import Accepted, Media, Offer, PayloadType

_FEEDBACK = ("transport-cc", "ccm fir", "nack", "nack pli")
_EXTENSIONS = (TRANSPORT_CC, ABS_SEND_TIME, MID)
_OWN_FMTP = ("packetization-mode", "profile-level-id", "profile-id", "profile", "tier")
START_KILOBITS = "1000"
"""Chromium begins with 300 kb/s otherwise, and takes ten seconds and four picture sizes to get from there to 720p."""
RECEIVED_LEVEL = 0x34
"""H.264 level 5.2: we decode nothing, so no picture is too large; said where the peer allows different levels."""


class Unacceptable(Exception):
    """A sound offer of which nothing can be carried. `code` is one of the problems of `web.problems`."""

    def __init__(self, code: str, offered: str) -> None:
        super().__init__(f"{code}: {offered}")
        self.code, self.offered = code, offered


def agree(offer: Offer, *, transcoding: bool) -> tuple[Agreed, dict[str, Accepted]]:
    """The terms, and the sections of the answer by mid. Raises Unacceptable.

    Without `transcoding` only what goes into a feed as it is can be taken.
    """
    video, audio = _first(offer, "video"), _first(offer, "audio")
    if video is None and audio is None:
        raise Unacceptable("whip_no_media", "nothing")
    accepted: dict[str, Accepted] = {}
    codecs: dict[int, VideoCodec] = {}
    resend: dict[int, int] = {}
    parameter_sets: tuple[bytes, ...] = ()
    nack = False
    if video is not None:
        taken = _video(video, transcoding=transcoding)
        if taken is not None:
            codecs = {taken.number: VIDEO_CODECS[taken.codec]}
            payload_types: tuple[PayloadType, ...] = (
                replace(taken, feedback=_common(taken.feedback), fmtp=_fmtp(taken)),
            )
            again = _rtx(video, taken)
            if again is not None:
                resend[again.number] = taken.number
                payload_types += (again,)
            accepted[video.mid] = Accepted(payload_types, "recvonly", _extensions(video))
            parameter_sets = _parameter_sets(taken)
            nack = "nack" in taken.feedback
    opus = _opus(audio) if audio is not None else None
    if audio is not None and opus is not None:
        kept = replace(opus, feedback=_common(opus.feedback), fmtp={**opus.fmtp, "stereo": "1", "useinbandfec": "1"})
        accepted[audio.mid] = Accepted((kept,), "recvonly", _extensions(audio))
    if not accepted or (video is not None and not codecs):
        offered = {p.codec for m in (video, audio) if m is not None for p in m.payload_types} - {"RTX", "RED", "ULPFEC"}
        raise Unacceptable("whip_codec", ", ".join(sorted(offered)) or "nothing")
    wide = {number for media in (video, audio) if media is not None for uri, number in media.extensions.items()
            if uri == TRANSPORT_CC}  # fmt: skip
    audio_types = frozenset({opus.number}) if opus is not None else frozenset()
    transport_cc = min(wide) if len(wide) == 1 else None
    return Agreed(codecs, audio_types, resend, nack, transport_cc, parameter_sets), accepted


def _first(offer: Offer, kind: str) -> Media | None:
    return next((media for media in offer.media if media.kind == kind and media.sends), None)


def _video(media: Media, *, transcoding: bool) -> PayloadType | None:
    """The first that we prefer; of H.264 the non-interleaved mode before single units, in the peer's order."""
    for name, codec in VIDEO_CODECS.items():
        if not codec.passes and not transcoding:
            continue
        same = [p for p in media.payload_types if p.codec == name and p.clock_rate == 90_000]
        same = [p for p in same if p.fmtp.get("packetization-mode", "0") in ("0", "1")]
        best = sorted(same, key=lambda p: p.fmtp.get("packetization-mode", "0") != "1")
        if best:
            return best[0]
    return None


def _opus(media: Media) -> PayloadType | None:
    return next((p for p in media.payload_types if p.codec == "OPUS" and p.clock_rate == 48_000), None)


def _rtx(media: Media, taken: PayloadType) -> PayloadType | None:
    return next((p for p in media.payload_types if p.codec == "RTX" and p.fmtp.get("apt") == str(taken.number)), None)


def _common(feedback: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(kind for kind in feedback if kind in _FEEDBACK)


def _extensions(media: Media) -> dict[str, int]:
    return {uri: number for uri, number in media.extensions.items() if uri in _EXTENSIONS}


def _fmtp(taken: PayloadType) -> dict[str, str]:
    """Profile and mode as offered; the level is what we take, where levels may differ (RFC 6184, 8.2.2)."""
    ours: dict[str, str] = {key: value for key, value in taken.fmtp.items() if key in _OWN_FMTP}
    ours["x-google-start-bitrate"] = START_KILOBITS
    if taken.codec != "H264" or taken.fmtp.get("level-asymmetry-allowed") != "1":
        return ours
    profile = ours.get("profile-level-id", "42e01f")
    return {"level-asymmetry-allowed": "1", **ours, "profile-level-id": f"{profile[:4]}{RECEIVED_LEVEL:02x}"}


def _parameter_sets(taken: PayloadType) -> tuple[bytes, ...]:
    sets = []
    for text in taken.fmtp.get("sprop-parameter-sets", "").split(","):
        try:
            sets.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return tuple(unit for unit in sets if unit)
