"""The cases that break RTMP and HLS servers: each that can reach this hub has a test that bears its number."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent

CASES = {
    1: "extended timestamps on continuation chunks",
    2: "the 24-bit timestamp limit",
    3: "an extended field that is a delta",
    4: "wraps at 2^31 and 2^32",
    5: "chunk sizes: changed inside a message, tiny, huge",
    6: "declared lengths before their bytes",
    7: "long csids, interleaving, first chunk of another format",
    8: "abort",
    9: "aggregates",
    10: "both handshakes, no encryption",
    11: "odd control messages",
    12: "commands that are missing, and their transactions",
    13: "odd and broken AMF",
    14: "where encoders put the key",
    15: "media before the hub has said yes",
    16: "the same key again, and two that fight",
    17: "habits of encoders",
    18: "names that mean harm, keys in logs",
    20: "negative composition times",
    21: "rounding",
    22: "a configuration that changes",
    23: "media sequence after a restart",
    24: "one track, or metadata that lies",
    25: "AAC headers that are missing, late, short",
    26: "rate bits that are wrong",
    27: "parameter sets that are missing, empty, many, in band",
    28: "HEVC in its wrappings",
    29: "enhanced RTMP",
    30: "jumps",
    31: "tracks that are not interleaved",
    33: "empty packets",
    34: "long key-frame gaps",
    35: "a wall clock that steps",
    38: "WHIP peers without sender reports",
    39: "parameter sets in their own packets, key frames in slices",
    40: "encoders that ignore PLI",
    41: "sequence wraps, audio alone, ICE restarts, header extensions",
    44: "low-latency playlists",
    45: "before the first picture",
    46: "HTTP-FLV headers and ends",
    47: "starts of recordings",
    48: "a disk that is slow or full",
}
"""19 and 32 come with SRT and MPEG-TS, 36 to 43 with WebRTC, 49 is a rule of the web server."""


def test_each_case_has_a_test_that_bears_its_number() -> None:
    names = [
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"def (test_case_\w+)\(", path.read_text("utf-8"))
    ]
    numbered = {int(number) for name in names for number in re.findall(r"(?:case|and)_(\d\d)(?=_)", name)}
    missing = {number: what for number, what in CASES.items() if number not in numbered}
    assert not missing
