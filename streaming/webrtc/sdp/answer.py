"""Writing an SDP answer: one bundle over one road (RFC 9143), every m= section of the offer in its order."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from streaming.webrtc.sdp.offer import Media, Offer, PayloadType
from streaming.webrtc.session import LocalParameters


@dataclass(frozen=True, slots=True)
class Accepted:
    """What we agree to in one m= section."""

    payload_types: tuple[PayloadType, ...]
    """With the offer's numbers; ours to choose are `fmtp` and `feedback`."""
    direction: str
    """As our end sees it: `recvonly` from a publisher, `sendonly` to a viewer."""
    extensions: dict[str, int] = field(default_factory=dict)
    """A part of the offer's."""
    ssrc: int | None = None
    """Of our packets, where we send."""
    msid: str = ""
    """`stream track`: so that audio and video of a viewer are one stream."""


def write_answer(offer: Offer, local: LocalParameters, accepted: Mapping[str, Accepted]) -> str:
    """The answer; sections whose mid is not in `accepted` are refused with port 0."""
    taken = [media.mid for media in offer.media if media.mid in accepted]
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(taken)}",
        "a=extmap-allow-mixed",
        "a=ice-lite",
        "a=msid-semantic: WMS *",
    ]
    for media in offer.media:
        if media.mid in accepted:
            lines += _section(media, accepted[media.mid], local, with_candidates=media.mid == taken[0])
        else:
            formats = " ".join(str(p.number) for p in media.payload_types) or "0"
            lines += [f"m={media.kind} 0 {media.protocol} {formats}", "c=IN IP4 0.0.0.0", f"a=mid:{media.mid}"]
            lines.append("a=inactive")
    return "\r\n".join(lines) + "\r\n"


def _section(media: Media, ours: Accepted, local: LocalParameters, *, with_candidates: bool) -> list[str]:
    formats = " ".join(str(p.number) for p in ours.payload_types)
    lines = [
        f"m={media.kind} 9 {media.protocol} {formats}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        "a=ice-options:trickle",
        f"a=fingerprint:{local.fingerprint}",
        f"a=setup:{local.setup}",
        f"a=mid:{media.mid}",
    ]
    lines += [f"a=extmap:{number} {uri}" for uri, number in ours.extensions.items()]
    lines += [f"a={ours.direction}", "a=rtcp-mux", "a=rtcp-rsize"]
    for payload in ours.payload_types:
        channels = f"/{payload.channels}" if payload.channels > 1 else ""
        name = "opus" if payload.codec == "OPUS" else "rtx" if payload.codec == "RTX" else payload.codec
        lines.append(f"a=rtpmap:{payload.number} {name}/{payload.clock_rate}{channels}")
        lines += [f"a=rtcp-fb:{payload.number} {kind}" for kind in payload.feedback]
        if payload.fmtp:
            parameters = ";".join(f"{key}={value}" if value else key for key, value in payload.fmtp.items())
            lines.append(f"a=fmtp:{payload.number} {parameters}")
    if ours.ssrc is not None:
        if ours.msid:
            lines.append(f"a=msid:{ours.msid}")
        lines.append(f"a=ssrc:{ours.ssrc} cname:venuecast")
    if with_candidates:
        lines += [f"a={candidate}" for candidate in local.candidates]
        lines.append("a=end-of-candidates")
    return lines
