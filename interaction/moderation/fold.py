"""A text as its reader's eye and ear take it: one form for all the ways in which a word is disguised."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from itertools import product
from pathlib import Path

TABLES = Path(__file__).parent / "tables"

LOOK_ALIKE = {
    # Latin in other scripts (Unicode confusables)
    "аᴀɑα": "a", "вβʙ": "b", "сᴄϲ": "c", "ԁ": "d", "еєᴇ": "e", "ɡ": "g", "һнʜ": "h", "іιıɪ": "i", "јϳ": "j",
    "кκᴋ": "k", "ӏʟ": "l", "мᴍ": "m", "ոɴ": "n", "оοσᴏ": "o", "рρᴘ": "p", "ԛ": "q", "ʀ": "r", "ѕꜱ": "s", "тτᴛ": "t",
    "υսᴜ": "u", "νѵᴠ": "v", "ԝшωᴡ": "w", "хχ": "x", "уγʏ": "y", "ᴢ": "z",
    # hanzi that the eye takes for each other; the commoner one stands
    "徽溦": "微", "曰": "日", "末": "未", "己巳": "已", "冶": "治", "诅": "咀", "睹": "赌", "搏": "博", "姧": "奸",
    "妓": "技", "桕": "柏", "苃": "友", "亻": "人", "囗": "口", "讠": "言", "钅": "金", "扌": "手", "氵": "水",
    "辶": "之", "艹": "草", "贔": "贝", "仒": "令", "莈": "没", "伩": "信", "佰": "百", "惪": "德", "囯": "国",
    "闰": "闯", "芐": "下", "丄": "上", "丅": "下", "钭": "斜", "凊": "清", "萫": "香", "卌": "册", "兀": "元",
}  # fmt: skip
"""Every character of a key is read as its value."""
_FIRST_SYLLABLE = 0xE000
"""Syllables are written as private-use characters, which no text of ours carries (`interaction.comments.text`)."""


@cache
def _table(name: str) -> dict[str, str]:
    return dict(json.loads((TABLES / f"{name}.json").read_text("utf-8")))


@cache
def _look_alike() -> dict[str, str]:
    return {one: meant for group, meant in LOOK_ALIKE.items() for one in group}


@cache
def ordinary_words() -> frozenset[str]:
    """Everyday words of two and three hanzi: 38,000, 5 MB once they are asked for."""
    return frozenset(json.loads((TABLES / "ordinary.json").read_text("utf-8")).split(" "))


class _Folds(dict[int, str]):
    """For `str.translate`: what a character is read as, found on its first use."""

    def __missing__(self, point: int) -> str:
        read = "".join(_read_as(part) for part in unicodedata.normalize("NFKC", chr(point)).casefold())
        self[point] = read
        return read


def _read_as(char: str) -> str:
    char = _table("simplified").get(char, char)
    char = _look_alike().get(char, char)
    if char.isascii():
        return char if char.isalnum() else ""
    # letters and digits are read; marks, punctuation, symbols, emoji and what is invisible only keep letters apart
    kind = unicodedata.category(char)
    if kind[0] == "L":
        # é is read as e: the decomposed letter is Latin and the rest marks
        base = unicodedata.normalize("NFD", char)[0]
        return base if base.isascii() else char
    if kind[0] == "N":
        digit = unicodedata.digit(char, None)
        return char if digit is None else str(digit)
    return ""


_FOLDS = _Folds()


def fold(text: str) -> str:
    """Lower case, half width, simplified, look-alikes as one, and nothing but letters and digits."""
    return text.translate(_FOLDS)


def fold_char(char: str) -> str:
    """The same for one character: the folded text is the concatenation."""
    return _FOLDS[ord(char)]


class _Sounds(dict[int, str]):
    """For `str.translate`: a folded hanzi as its syllable, anything else as it is."""

    def __init__(self, *tables: str) -> None:
        super().__init__()
        self._tables = tables

    def __missing__(self, point: int) -> str:
        heard = chr(point)
        for table in self._tables:
            heard = _syllable_of(table).get(chr(point), heard)
        self[point] = heard
        return heard


@cache
def _codes() -> dict[str, str]:
    """Each syllable's own character. What southern tongues and keyboards do not tell apart shares one."""
    codes: dict[str, str] = {}
    for syllable in sorted(_table("syllables").keys() | _table("second_syllables").keys()):
        slurred = _slurred(syllable)
        codes[syllable] = codes[slurred] if slurred in codes else chr(_FIRST_SYLLABLE + len(codes))
        codes.setdefault(slurred, codes[syllable])
    return codes


def _slurred(syllable: str) -> str:
    for retroflex, dental in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if syllable.startswith(retroflex):
            syllable = dental + syllable[2:]
    if syllable.endswith(("ang", "eng", "ing")):
        syllable = syllable[:-1]
    return syllable


@cache
def _syllable_of(table: str) -> dict[str, str]:
    codes = _codes()
    return {hanzi: codes[syllable] for syllable, all_of_it in _table(table).items() for hanzi in all_of_it}


_SOUNDS = _Sounds("syllables")
_OTHER_SOUNDS = _Sounds("syllables", "second_syllables")
_LATIN = re.compile("[a-z]+")


def sound(folded: str) -> str:
    """A folded text by ear: a character per syllable, also where it is spelt in Latin letters."""
    return _LATIN.sub(_spelt, folded.translate(_SOUNDS))


def sound_otherwise(folded: str) -> str:
    """The same with the second reading of characters that have two."""
    return _LATIN.sub(_spelt, folded.translate(_OTHER_SOUNDS))


def _spelt(found: re.Match[str]) -> str:
    """Latin letters that can be read as pinyin throughout as syllables; others stay."""
    run = found[0]
    codes = _codes()
    heard = []
    at = 0
    while at < len(run):
        for length in range(min(6, len(run) - at), 0, -1):
            code = codes.get(run[at : at + length])
            if code is not None:
                heard.append(code)
                at += length
                break
        else:
            return run
    return "".join(heard)


@cache
def _split_table() -> dict[str, list[str]]:
    return dict(json.loads((TABLES / "splits.json").read_text("utf-8")))


IN_FIGURES = {
    "一": "1壹", "二": "2贰", "三": "3叁", "四": "4肆", "五": "5伍", "六": "6陆", "七": "7柒", "八": "8捌", "九": "9玖",
    "零": "0", "百": "佰", "千": "仟", "万": "萬",
    # letters as figures
    "a": "4", "b": "8", "e": "3", "g": "9", "i": "1", "l": "1", "o": "0", "s": "5", "t": "7", "z": "2",
}  # fmt: skip
"""What a character of a listed word is written as instead, only there: a text's own figures stay figures."""
MAX_VARIANTS = 24
"""Ways of writing one word apart that are looked for."""


def written_apart(word: str) -> set[str]:
    """The folded forms of a word with some of its characters written as their parts, or as figures."""
    choices = [(char, *_split_table().get(char, ()), *IN_FIGURES.get(char.lower(), "")) for char in word]
    forms: set[str] = set()
    for way in product(*choices):
        if len(forms) > MAX_VARIANTS:
            break
        form = fold("".join(way))
        if not form.isdigit():
            forms.add(form)
    forms.discard(fold(word))
    return forms
