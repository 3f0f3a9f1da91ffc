"""Reading an SDP offer: what the peer can send or take, and its end of ICE and DTLS."""

from __future__ import annotations

from dataclasses import dataclass, field

from streaming.webrtc.session import RemoteParameters

MAX_SDP_BYTES = 64 * 1024
"""A browser's offer with every codec has 8."""
MAX_MEDIA = 16
MAX_LINES = 4_000
_SETUPS = ("actpass", "active", "passive")


class MalformedSdp(ValueError):
    """Not a session description, or one that WebRTC does not allow; the message says which line is missing or wrong."""


@dataclass(frozen=True, slots=True)
class PayloadType:
    """One way of sending this media: an `a=rtpmap` with what belongs to it."""

    number: int
    codec: str
    """Encoding name in upper case: `H264`, `VP8`, `AV1`, `OPUS`, `RTX`."""
    clock_rate: int
    channels: int = 1
    fmtp: dict[str, str] = field(default_factory=dict)
    feedback: tuple[str, ...] = ()
    """Values of `a=rtcp-fb`: `nack`, `nack pli`, `transport-cc`, `goog-remb`."""


@dataclass(frozen=True, slots=True)
class Media:
    """One `m=` section."""

    kind: str
    """`audio`, `video` or `application`."""
    mid: str
    protocol: str
    rejected: bool
    """Port 0 without bundling: the peer does not want it."""
    direction: str
    payload_types: tuple[PayloadType, ...]
    """In the peer's order of preference."""
    extensions: dict[str, int]
    """Header extension URI to the identifier in its packets (RFC 8285)."""

    @property
    def sends(self) -> bool:
        return not self.rejected and self.direction in ("sendonly", "sendrecv")

    @property
    def receives(self) -> bool:
        return not self.rejected and self.direction in ("recvonly", "sendrecv")


@dataclass(frozen=True, slots=True)
class Offer:
    media: tuple[Media, ...]
    remote: RemoteParameters

    def first(self, kind: str) -> Media | None:
        return next((m for m in self.media if m.kind == kind and not m.rejected), None)


def parse_offer(text: str) -> Offer:
    """Raises MalformedSdp."""
    session, sections = _sections(text)
    if not sections:
        raise MalformedSdp("no m= line")
    media = tuple(_media(index, section) for index, section in enumerate(sections))
    mids = [m.mid for m in media]
    if len(set(mids)) != len(mids):
        raise MalformedSdp("two m= sections with the same a=mid")
    return Offer(media, _remote(session, sections))


def _sections(text: str) -> tuple[list[str], list[list[str]]]:
    """Session lines, and the lines of each media section with its m= line first."""
    if len(text) > MAX_SDP_BYTES:
        raise MalformedSdp("longer than any offer is")
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines or not lines[0].startswith("v=0"):
        raise MalformedSdp("does not begin with v=0")
    if len(lines) > MAX_LINES:
        raise MalformedSdp("more lines than any offer has")
    session: list[str] = []
    sections: list[list[str]] = []
    for line in lines:
        if not line.strip():
            continue
        if len(line) < 2 or line[1] != "=":
            raise MalformedSdp(f"not a line of SDP: {line[:40]!r}")
        if line.startswith("m="):
            sections.append([])
        (sections[-1] if sections else session).append(line.rstrip())
    if len(sections) > MAX_MEDIA:
        raise MalformedSdp("more m= lines than any offer has")
    return session, sections


def values(lines: list[str], name: str) -> list[str]:
    """Of every `a=name:value` the value."""
    prefix = f"a={name}:"
    return [line[len(prefix) :].strip() for line in lines if line.startswith(prefix)]


def _number(text: str, lowest: int, highest: int, what: str) -> int:
    if not text.isascii() or not text.isdigit() or not lowest <= int(text[:9]) <= highest:
        raise MalformedSdp(f"{what}: {text[:20]!r} is no number from {lowest} to {highest}")
    return int(text[:9])


def _media(index: int, lines: list[str]) -> Media:
    fields = lines[0][2:].split()
    if len(fields) < 4:
        raise MalformedSdp(f"cut off: {lines[0][:60]!r}")
    kind, port, protocol, *formats = fields
    directions = [line[2:] for line in lines if line[2:] in ("sendrecv", "sendonly", "recvonly", "inactive")]
    payload_types: tuple[PayloadType, ...] = ()
    if kind in ("audio", "video"):
        payload_types = _payload_types(lines, formats)
    return Media(
        kind=kind,
        mid=(values(lines, "mid") or [str(index)])[0][:64],
        protocol=protocol,
        rejected=port == "0" and "a=bundle-only" not in lines,
        direction=directions[0] if directions else "sendrecv",
        payload_types=payload_types,
        extensions=_extensions(lines),
    )


def _payload_types(lines: list[str], formats: list[str]) -> tuple[PayloadType, ...]:
    maps: dict[int, tuple[str, int, int]] = {}
    for value in values(lines, "rtpmap"):
        number, _, encoding = value.partition(" ")
        name, *rest = encoding.strip().split("/")
        if not rest:
            raise MalformedSdp(f"a=rtpmap without a clock rate: {value[:40]!r}")
        channels = _number(rest[1], 1, 255, "channels") if len(rest) > 1 else 1
        maps[_number(number, 0, 127, "payload type")] = (
            name.upper(),
            _number(rest[0], 1, 999_999_999, "clock"),
            channels,
        )
    fmtp: dict[str, dict[str, str]] = {}
    for value in values(lines, "fmtp"):
        number, _, parameters = value.partition(" ")
        pairs = (parameter.strip().partition("=") for parameter in parameters.split(";"))
        fmtp[number] = {name.lower(): setting for name, _, setting in pairs if name}
    feedback: dict[str, list[str]] = {}
    for value in values(lines, "rtcp-fb"):
        number, _, kind = value.partition(" ")
        feedback.setdefault(number, []).append(kind.strip())
    result = []
    for number in formats:
        payload = _number(number, 0, 127, "payload type")
        if payload not in maps:
            continue  # static types of old (PCMU, PCMA) need no map; none of them is carried here
        codec, clock_rate, channels = maps[payload]
        back = (*feedback.get(number, []), *feedback.get("*", []))
        result.append(PayloadType(payload, codec, clock_rate, channels, fmtp.get(number, {}), back))
    return tuple(result)


def _extensions(lines: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values(lines, "extmap"):
        number, _, rest = value.partition(" ")
        uri = rest.split(" ")[0]
        number = number.partition("/")[0]
        if uri and number.isascii() and number.isdigit() and 1 <= int(number[:4]) <= 255:
            found.setdefault(uri, int(number))
    return found


def _remote(session: list[str], sections: list[list[str]]) -> RemoteParameters:
    """ICE and DTLS parameters: of the session, or of the first section that has them (they are bundled)."""

    def first(name: str) -> str:
        for lines in (*sections, session):
            found = values(lines, name)
            if found:
                return found[0]
        return ""

    ufrag, password = first("ice-ufrag"), first("ice-pwd")
    if not ufrag or not password:
        raise MalformedSdp("no a=ice-ufrag or a=ice-pwd")
    if len(ufrag) > 256 or len(password) > 256:
        raise MalformedSdp("a=ice-ufrag or a=ice-pwd is too long")
    fingerprints = []
    for lines in (session, *sections):
        for value in values(lines, "fingerprint"):
            name, _, digest = value.partition(" ")
            fingerprints.append((name.lower(), digest.strip().upper()))
    if not fingerprints:
        raise MalformedSdp("no a=fingerprint: only DTLS-SRTP is taken")
    setup = first("setup") or "actpass"
    if setup not in _SETUPS:
        raise MalformedSdp(f"a=setup:{setup[:20]} is not one of {', '.join(_SETUPS)}")
    return RemoteParameters(ufrag, password, tuple(dict.fromkeys(fingerprints)), setup)
