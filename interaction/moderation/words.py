"""Word lists as people keep them: a line or a CSV row a word, with what is done to a comment that has it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MAX_WORD = 40
MAX_WORDS = 50_000
"""Of one list. 20,000 are compiled in about a second and cost 40 MB; nobody keeps more by hand."""


class Level(StrEnum):
    HOLD = "hold"
    """A person decides."""
    REFUSE = "refuse"
    """Not taken at all; its sender is told."""
    ALLOW = "allow"
    """Never a reason: what is part of such a word is not a hit (a place name with a listed word in it)."""


class Ear(StrEnum):
    """Whether what sounds like the word counts as the word."""

    AUTO = "auto"
    """From three hanzi on: two alone sound like half of the language."""
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    level: Level = Level.HOLD
    ear: Ear = Ear.AUTO
    note: str = ""


@dataclass(frozen=True, slots=True)
class BadLine:
    line: int
    code: str
    """`empty_word`, `word_too_long`, `no_such_level`, `no_such_ear`, `too_many_words`."""


HEADER = ("word", "level", "homophones", "note")


def read_words(text: str) -> tuple[list[Word], list[BadLine]]:
    """A list from a text of lines or a CSV with or without a header; the last of two equal words counts.

    Lines that begin with # and empty ones are passed over. Nothing is taken over when a line is bad.
    """
    words: dict[str, Word] = {}
    bad: list[BadLine] = []
    for number, row in enumerate(csv.reader(io.StringIO(text.removeprefix("\ufeff"))), 1):
        cells = [cell.strip() for cell in row]
        if not cells or not any(cells) or cells[0].startswith("#") or (number == 1 and cells[0].lower() in _TITLES):
            continue
        word, level, ear, note = (*cells, "", "", "", "")[:4]
        level, ear = _LEVELS.get(level.lower(), level.lower()), _EARS.get(ear.lower(), ear.lower())
        if not word:
            bad.append(BadLine(number, "empty_word"))
        elif len(word) > MAX_WORD:
            bad.append(BadLine(number, "word_too_long"))
        elif level not in set(Level):
            bad.append(BadLine(number, "no_such_level"))
        elif ear not in set(Ear):
            bad.append(BadLine(number, "no_such_ear"))
        elif len(words) >= MAX_WORDS:
            bad.append(BadLine(number, "too_many_words"))
            break
        else:
            words[word] = Word(word, Level(level), Ear(ear), note[:200])
    return list(words.values()), bad


_TITLES = {"word", "词", "敏感词", "词语"}
_LEVELS = {"": "hold", "待审": "hold", "拦截": "refuse", "拒绝": "refuse", "放行": "allow"}
_EARS = {"": "auto", "自动": "auto", "是": "yes", "否": "no"}


def write_words(words: Iterable[Word]) -> str:
    """The list as CSV, which `read_words` takes again. Opens in spreadsheets (byte order mark, CRLF)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for word in words:
        writer.writerow((word.text, word.level.value, word.ear.value, word.note))
    return "\ufeff" + out.getvalue()
