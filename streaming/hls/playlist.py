"""Renders playlists (RFC 8216bis): text out of what is listed, nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from config.clock import rfc3339
from streaming.hls.segmenter import MAX_SEGMENT_SECONDS, PART_TARGET, Part, SegmentHead

TARGET_DURATION = round(MAX_SEGMENT_SECONDS)
"""Seconds; fixed for an event's life (4.4.3.1)."""
PART_HOLD_BACK = 3 * PART_TARGET
"""How far from the live edge a low-latency player stays: the least that 4.4.3.8 recommends."""
PARTS_LISTED_SECONDS = 3 * TARGET_DURATION
"""Parts farther than this from the live edge are no longer listed (4.4.4.9)."""
CAN_SKIP_SECONDS = 6 * TARGET_DURATION
"""The skip boundary of delta updates: the least that 4.4.3.8 allows."""
ADVANCE_PARTS = math.ceil(3 / PART_TARGET)
"""A request may be this many parts ahead of the live edge (6.2.5.2)."""
ADVANCE_SEGMENTS = 2
"""And this many segments (6.2.5.2)."""


def segment_name(msn: int) -> str:
    return f"seg-{msn}.m4s"


def part_name(msn: int, index: int) -> str:
    return f"seg-{msn}.{index}.m4s"


def init_name(number: int) -> str:
    return f"init-{number}.mp4"


@lru_cache(maxsize=1024)  # a crowd asks for the same few names
def parse_name(name: str) -> tuple[str, int, int]:
    """`init-{n}.mp4`, `seg-{msn}.m4s` and `seg-{msn}.{part}.m4s` as (kind, number, part); kind "" for anything else."""
    stem, _, rest = name.partition(".")
    if name.startswith("init-"):
        number = _number(stem[5:])
        return ("init", number, 0) if init_name(number) == name else ("", 0, 0)
    number = _number(stem[4:])
    if segment_name(number) == name:
        return "segment", number, 0
    index = _number(rest.removesuffix(".m4s"))
    return ("part", number, index) if part_name(number, index) == name else ("", 0, 0)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1


@dataclass(slots=True)
class Listed:
    """A finished segment in a playlist; `prefix` is put before its names."""

    head: SegmentHead
    duration: float
    independent: bool
    gap: bool = False
    parts: Sequence[Part] = ()
    prefix: str = ""
    _tags: str = field(default="", init=False)
    _part_lines: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._tags = head_lines(self.head)
        self._part_lines = "".join(part_line(part) for part in self.parts)

    def lines(self, *, with_map: bool, with_parts: bool) -> str:
        head = self.head
        return "".join(
            (
                "#EXT-X-DISCONTINUITY\n" if head.discontinuity else "",
                f'#EXT-X-MAP:URI="{self.prefix}{init_name(head.init)}"\n' if with_map else "",
                self._tags,
                self._part_lines if with_parts else "",
                "#EXT-X-GAP\n" if self.gap else "",
                f"#EXTINF:{self.duration:.5f},\n{self.prefix}{segment_name(head.msn)}\n",
            )
        )


def head_lines(head: SegmentHead) -> str:
    return f"#EXT-X-PROGRAM-DATE-TIME:{rfc3339(head.utc)}\n"


def part_line(part: Part) -> str:
    independent = ",INDEPENDENT=YES" if part.independent else ""
    return f'#EXT-X-PART:DURATION={part.duration:.5f},URI="{part_name(part.head.msn, part.index)}"{independent}\n'


@dataclass(frozen=True, slots=True)
class Listing:
    """What a live media playlist says at one moment."""

    segments: Sequence[Listed]
    open_parts: Sequence[Part]
    """Of the segment that is being made; empty right after one has ended."""
    next_msn: int
    """Of that segment."""
    ended: bool


def media_playlist(listing: Listing) -> str:
    """The low-latency form, with parts and everything a blocking player needs."""
    return _low_latency(listing, skip=0)


def delta_playlist(listing: Listing) -> str:
    """The same for a player that has the older part already (`_HLS_skip`); whole when nothing can be skipped."""
    return _low_latency(listing, skip=skippable(listing))


def skippable(listing: Listing) -> int:
    """How many segments lie behind the skip boundary."""
    beyond = sum(part.duration for part in listing.open_parts)
    count = len(listing.segments)
    for number, segment in enumerate(reversed(listing.segments)):
        beyond += segment.duration
        if beyond > CAN_SKIP_SECONDS:
            return count - number - 1
    return 0


def plain_playlist(listing: Listing) -> str:
    """The form without low-latency tags: segments alone, for players that would poll too often otherwise."""
    head = _header(listing, version=7)
    body, _ = _segments(listing.segments, parts_from=len(listing.segments))
    return head + body + ("#EXT-X-ENDLIST\n" if listing.ended else "")


def _low_latency(listing: Listing, *, skip: int) -> str:
    if listing.ended:
        return plain_playlist(listing)
    control = (
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={PART_HOLD_BACK:.3f},"
        f"CAN-SKIP-UNTIL={CAN_SKIP_SECONDS:.1f}\n#EXT-X-PART-INF:PART-TARGET={PART_TARGET:.3f}\n"
    )
    segments = listing.segments[skip:]
    body, init = _segments(segments, parts_from=_first_with_parts(segments))
    lines = [_header(listing, version=9), control]
    if skip:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skip}\n")
    lines.append(body)
    if listing.open_parts:
        head = listing.open_parts[0].head
        if head.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY\n")
        if head.init != init:
            lines.append(f'#EXT-X-MAP:URI="{init_name(head.init)}"\n')
        lines.append(head_lines(head))
        lines.extend(part_line(part) for part in listing.open_parts)
    hint = part_name(listing.next_msn, len(listing.open_parts))
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{hint}"\n')
    return "".join(lines)


def _header(listing: Listing, version: int) -> str:
    head = listing.segments[0].head if listing.segments else None
    if head is None and listing.open_parts:
        head = listing.open_parts[0].head
    msn = head.msn if head else listing.next_msn
    sequence = head.discontinuity_sequence - head.discontinuity if head else 0
    # only while every listed segment starts with a key frame (4.4.2.1)
    independent = all(segment.independent for segment in listing.segments)
    if listing.open_parts:
        independent = independent and listing.open_parts[0].independent
    return (
        f"#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{TARGET_DURATION}\n"
        f"#EXT-X-MEDIA-SEQUENCE:{msn}\n#EXT-X-DISCONTINUITY-SEQUENCE:{sequence}\n"
        + ("#EXT-X-INDEPENDENT-SEGMENTS\n" if independent else "")
    )


def _first_with_parts(segments: Sequence[Listed]) -> int:
    beyond = 0.0
    for number in range(len(segments) - 1, -1, -1):
        if beyond >= PARTS_LISTED_SECONDS:
            return number + 1
        beyond += segments[number].duration
    return 0


def _segments(segments: Sequence[Listed], *, parts_from: int) -> tuple[str, int | None]:
    """The segments' lines, and the init section that stands at their end."""
    init: int | None = None
    lines = []
    for number, segment in enumerate(segments):
        lines.append(segment.lines(with_map=segment.head.init != init, with_parts=number >= parts_from))
        init = segment.head.init
    return "".join(lines), init


def vod_playlist(segments: Sequence[Listed]) -> str:
    """A replay: every segment from the first, numbered anew from 1, ended."""
    target = max((round(segment.duration) for segment in segments), default=TARGET_DURATION)
    independent = all(segment.independent for segment in segments)
    body, _ = _segments(segments, parts_from=len(segments))
    return (
        f"#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:{max(target, 1)}\n#EXT-X-MEDIA-SEQUENCE:1\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        + ("#EXT-X-INDEPENDENT-SEGMENTS\n" if independent else "")
        + body
        + "#EXT-X-ENDLIST\n"
    )


@dataclass(frozen=True, slots=True)
class Variant:
    """One rung of a multivariant playlist."""

    uri: str
    codecs: str
    bandwidth: int
    """Peak segment bit rate, bit/s (4.4.6.2)."""
    average_bandwidth: int
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0


def multivariant_playlist(variants: Sequence[Variant]) -> str:
    """The top playlist, best rung first."""
    lines = ["#EXTM3U\n#EXT-X-VERSION:7\n"]
    for variant in variants:
        attributes = [
            f"BANDWIDTH={max(variant.bandwidth, 1)}",
            f"AVERAGE-BANDWIDTH={max(variant.average_bandwidth, 1)}",
            f'CODECS="{variant.codecs}"',
        ]
        if variant.width and variant.height:
            attributes.append(f"RESOLUTION={variant.width}x{variant.height}")
        if variant.frame_rate:
            attributes.append(f"FRAME-RATE={variant.frame_rate:.3f}")
        lines.append(f"#EXT-X-STREAM-INF:{','.join(attributes)}\n{variant.uri}\n")
    return "".join(lines)
