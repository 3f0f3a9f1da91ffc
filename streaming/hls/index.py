"""`index.jsonl`, the truth about a venue's recording: one JSON line per init section, segment or gap, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from streaming.hls.segmenter import MAX_SEGMENT_SECONDS, InitSection, Position, Segment

INDEX_NAME = "index.jsonl"
UNRECORDED = 64
"""After a crash all numbers go on this much higher than recorded: parts of as many segments may have been seen by
players and caches without being in the index yet (the open segment, and what waited for a slow disk)."""


@dataclass(frozen=True, slots=True)
class InitEntry:
    number: int
    codecs: str
    """RFC 6381, comma-separated."""
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment on disk, or (gap) one that was on air and could not be kept."""

    msn: int
    init: int
    duration: float
    utc: float
    independent: bool
    discontinuity: bool
    discontinuity_sequence: int
    decode_end: float
    bytes: int
    gap: bool


@dataclass(frozen=True, slots=True)
class ClosedEntry:
    """The output was closed in order: nothing unrecorded has been seen."""


@dataclass(frozen=True, slots=True)
class OpenedEntry:
    """An output was opened here, for the first time or again."""


Entry = InitEntry | SegmentEntry | OpenedEntry | ClosedEntry


def init_line(section: InitSection, codecs: str) -> bytes:
    video = next((track for track in section.tracks if track.is_video), None)
    return _line(
        {
            "kind": "init",
            "number": section.number,
            "codecs": codecs,
            "width": video.width if video else 0,
            "height": video.height if video else 0,
            "bytes": len(section.data),
        }
    )


def segment_line(segment: Segment, *, gap: bool) -> bytes:
    head = segment.head
    return _line(
        {
            "kind": "gap" if gap else "segment",
            "msn": head.msn,
            "init": head.init,
            "duration": round(segment.duration, 5),
            "utc": round(head.utc, 3),
            "independent": segment.independent,
            "discontinuity": head.discontinuity,
            "discontinuity_sequence": head.discontinuity_sequence,
            "decode_end": round(segment.decode_end, 5),
            "bytes": 0 if gap else len(segment.data),
        }
    )


def opened_line() -> bytes:
    return _line({"kind": "opened"})


def closed_line() -> bytes:
    return _line({"kind": "closed"})


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def parse_index(data: bytes) -> list[Entry]:
    """The entries of an index file. A torn or foreign line is passed over: what it told of is a hole."""
    entries: list[Entry] = []
    for line in data.split(b"\n"):
        entry = _parse_line(line)
        if entry is not None:
            entries.append(entry)
    return entries


def _parse_line(line: bytes) -> Entry | None:
    try:
        values = json.loads(line)
        kind = values["kind"]
        if kind == "init":
            return InitEntry(
                number=int(values["number"]),
                codecs=str(values["codecs"]),
                width=int(values["width"]),
                height=int(values["height"]),
                bytes=int(values["bytes"]),
            )
        if kind in ("segment", "gap"):
            return SegmentEntry(
                msn=int(values["msn"]),
                init=int(values["init"]),
                duration=float(values["duration"]),
                utc=float(values["utc"]),
                independent=bool(values["independent"]),
                discontinuity=bool(values["discontinuity"]),
                discontinuity_sequence=int(values["discontinuity_sequence"]),
                decode_end=float(values["decode_end"]),
                bytes=int(values["bytes"]),
                gap=kind == "gap",
            )
        if kind == "opened":
            return OpenedEntry()
        return ClosedEntry() if kind == "closed" else None
    except (ValueError, KeyError, TypeError):
        return None


def read_index(directory: Path) -> list[Entry]:
    """Blocking. An absent index is an empty one."""
    try:
        return parse_index((directory / INDEX_NAME).read_bytes())
    except FileNotFoundError:
        return []


def open_index(directory: Path) -> Position:
    """Make the directory ready for an output, and say where it goes on. Blocking; raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / INDEX_NAME
    position = position_after(read_index(directory))
    with path.open("ab") as file:
        # a torn last line is ended, so that it spoils no other
        file.write(b"\n" + opened_line() if file.tell() else opened_line())
    return position


def position_after(entries: Iterable[Entry]) -> Position:
    """Where an output goes on: behind all that is recorded, after a crash behind all that may have been seen."""
    msn = init = sequence = 0
    decode = Position().decode_seconds
    closed = seen = False
    for entry in entries:
        seen = True
        match entry:
            case InitEntry():
                init = max(init, entry.number)
                closed = False
            case SegmentEntry():
                msn = max(msn, entry.msn)
                init = max(init, entry.init)
                sequence = max(sequence, entry.discontinuity_sequence)
                decode = max(decode, entry.decode_end)
                closed = False
            case OpenedEntry():
                closed = False
            case ClosedEntry():
                closed = True
    if not seen:
        return Position()
    margin = 0 if closed else UNRECORDED
    return Position(
        msn=msn + margin,
        init=init + margin,
        discontinuity_sequence=sequence + margin,
        decode_seconds=decode + margin * MAX_SEGMENT_SECONDS,
        resumed=True,
    )
