"""What to agree to of a viewer's offer: the H.264 that its Stream has, and Opus."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streaming.webrtc.opening import Unacceptable
from streaming.webrtc.sdp import Accepted, Media, Offer, PayloadType
from streaming.webrtc.send.lane import Lane

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
PLAYOUT_MILLISECONDS = (0, 400)
"""Least and most that the player may hold a picture back: none where the network is even."""
_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
_CONSTRAINED_BASELINE, _BASELINE, _MAIN, _HIGH = "42e0", "4200", "4d00", "6400"
_DEFAULT_PROFILE = "42000a"
"""RFC 6184, 8.1: what an absent profile-level-id means."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The lanes of a viewer and the extension that opens its key frames."""

    video: Lane
    audio: Lane | None
    extension: bytes


def agree_to_play(offer: Offer, profile: bytes) -> tuple[Terms, dict[str, Accepted]]:
    """The terms, and the sections of the answer by mid. `profile`: three bytes of the stream's SPS.

    Raises Unacceptable.
    """
    media = next((m for m in offer.media if m.kind == "video" and m.receives), None)
    if media is None:
        raise Unacceptable("whep_no_media", "nothing")
    taken = _h264(media, profile)
    if taken is None:
        offered = {p.codec for p in media.payload_types} - {"RTX", "RED", "ULPFEC", "FLEXFEC-03"}
        raise Unacceptable("whep_codec", ", ".join(sorted(offered)) or "nothing")
    video = Lane(taken.number)
    number = media.extensions.get(PLAYOUT_DELAY)
    extension = b"" if number is None or number > 14 else _playout_delay(number)
    kept = replace(taken, feedback=tuple(f for f in taken.feedback if f in _FEEDBACK), fmtp=_fmtp(taken, profile))
    extensions = {} if number is None or not extension else {PLAYOUT_DELAY: number}
    accepted = {media.mid: Accepted((kept,), "sendonly", extensions, video.ssrc, "venuecast video")}
    sound = next((m for m in offer.media if m.kind == "audio" and m.receives), None)
    opus = None if sound is None else next((p for p in sound.payload_types if p.codec == "OPUS"), None)
    audio = None
    if sound is not None and opus is not None:
        audio = Lane(opus.number)
        ours = replace(opus, feedback=(), fmtp={"minptime": "10", "useinbandfec": "1", "stereo": "1"})
        accepted[sound.mid] = Accepted((ours,), "sendonly", {}, audio.ssrc, "venuecast audio")
    return Terms(video, audio, extension), accepted


def _h264(media: Media, profile: bytes) -> PayloadType | None:
    """The payload type whose profile the stream has, or the strongest: a decoder of High plays all that we send."""
    wanted = _family(profile.hex())
    order = [wanted, _HIGH, _MAIN, _CONSTRAINED_BASELINE, _BASELINE]
    fit = [p for p in media.payload_types
           if p.codec == "H264" and p.clock_rate == 90_000 and p.fmtp.get("packetization-mode") == "1"]  # fmt: skip
    return min(fit, key=lambda p: order.index(_family(p.fmtp.get("profile-level-id", _DEFAULT_PROFILE))), default=None)


def _family(profile_level_id: str) -> str:
    """The profile as browsers name it (RFC 6184, table 5, as far as encoders use it)."""
    kind, constraints = profile_level_id[:2].lower(), profile_level_id[2:4].lower()
    if kind == "42" and int(constraints or "0", 16) & 0x40:
        return _CONSTRAINED_BASELINE
    return {"42": _BASELINE, "4d": _MAIN, "64": _HIGH}.get(kind, _HIGH)


def _fmtp(taken: PayloadType, profile: bytes) -> dict[str, str]:
    """The profile as offered (it has to be the same both ways), the level that we send where it may differ."""
    offered = taken.fmtp.get("profile-level-id", _DEFAULT_PROFILE).lower()
    asymmetric = taken.fmtp.get("level-asymmetry-allowed") == "1"
    level = f"{profile[2]:02x}" if asymmetric and len(profile) == 3 else offered[4:6]
    ours = {"packetization-mode": "1", "profile-level-id": offered[:4] + level}
    return {"level-asymmetry-allowed": "1", **ours} if asymmetric else ours


def _playout_delay(number: int) -> bytes:
    """The one-byte header extension with its profile and length (RFC 8285, 4.2): 12 bits each, in 10 ms."""
    least, most = (milliseconds // 10 for milliseconds in PLAYOUT_MILLISECONDS)
    return b"\xbe\xde\x00\x01" + bytes([number << 4 | 2]) + (least << 12 | most).to_bytes(3, "big")
