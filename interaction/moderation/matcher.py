"""Finds listed words in a comment, disguised or not, in microseconds: two Aho-Corasick automata over folded text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ahocorasick

from interaction.moderation.fold import fold, fold_char, ordinary_words, sound, sound_otherwise, written_apart
from interaction.moderation.words import Ear, Level, Word

MIN_EAR = 3
"""Syllables from which on a word counts by its sound unless its entry says otherwise."""


@dataclass(frozen=True, slots=True)
class Hit:
    word: str
    level: Level


def _narrow(text: str) -> str:
    """Two bytes a character: a node of the automaton has 256 children at most instead of thousands, which it scans."""
    return text.encode("utf-16-be").decode("latin-1")


class Folded:
    """A text in the forms that lists are matched against, made once for all lists."""

    __slots__ = ("heard", "otherwise", "seen", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.seen = fold(text)
        self.heard = sound(self.seen)
        self.otherwise = sound_otherwise(self.seen)


class Matcher:
    """Compiled from a list; compiling takes a second for 20,000 words and is done in a thread."""

    def __init__(self, words: Iterable[Word]) -> None:
        self._seen = ahocorasick.Automaton()
        self._heard = ahocorasick.Automaton()
        self._allowed = ahocorasick.Automaton()
        self._ordinary: dict[str, set[str]] = {}
        """By sound: the everyday words that sound like a listed one."""
        by_ear: set[str] = set()
        for word in words:
            folded = fold(word.text)
            if not folded:
                continue
            if word.level is Level.ALLOW:
                self._allowed.add_word(_narrow(folded), len(_narrow(folded)))
                continue
            hit = Hit(word.text, word.level)
            self._add(self._seen, folded, hit)
            for form in written_apart(word.text):
                self._add(self._seen, form, hit)
            heard = sound(folded)
            hanzi = all(not char.isascii() for char in folded)
            if hanzi and (word.ear is Ear.YES or (word.ear is Ear.AUTO and len(folded) >= MIN_EAR)):
                self._add(self._heard, heard, hit)
                by_ear.add(heard)
        for automaton in (self._seen, self._heard, self._allowed):
            automaton.make_automaton()
        if by_ear:
            for ordinary in ordinary_words():
                heard = sound(ordinary)
                if heard in by_ear:
                    self._ordinary.setdefault(heard, set()).add(ordinary)

    @staticmethod
    def _add(automaton: ahocorasick.Automaton, form: str, hit: Hit) -> None:
        form = _narrow(form)
        known = automaton.get(form, None)
        if known is None or known[1].level is Level.HOLD:
            automaton.add_word(form, (len(form), hit))

    def find(self, text: Folded) -> list[Hit]:
        """The listed words in a text."""
        hits: dict[str, Hit] = {}
        if len(self._seen):
            for start, end, hit in _aligned(self._seen, text.seen):
                if hit.word not in hits and self._counts(text, start, end):
                    hits[hit.word] = hit
        if len(self._heard):
            for heard in (text.heard, text.otherwise) if text.otherwise != text.heard else (text.heard,):
                for start, end, hit in _aligned(self._heard, heard):
                    if hit.word not in hits and self._meant(text, heard, start, end):
                        hits[hit.word] = hit
        return list(hits.values())

    def _counts(self, text: Folded, start: int, end: int) -> bool:
        """A hit between these places of the folded text is one for its reader too."""
        folded = text.seen
        if len(self._allowed) and any(
            last + 1 - length <= start * 2 and end * 2 <= last + 1
            for last, length in self._allowed.iter(_narrow(folded))
        ):
            return False
        if not folded[start:end].isascii():
            return not _straddles(folded, start, end)
        # a Latin word begins and ends where letters do: "sex" is not in "Sussex"
        places = _places(text.text)
        first, last = places[start], places[end - 1]
        return not (_letter(text.text, first - 1) or _letter(text.text, last + 1))

    def _meant(self, text: Folded, heard: str, start: int, end: int) -> bool:
        """What sounds like a listed word is meant as one, unless it is an everyday word."""
        if len(heard) != len(text.seen):
            return True  # partly spelt in Latin letters: nobody does that to an everyday word
        if text.seen[start:end] in self._ordinary.get(heard[start:end], ()):
            return False
        if end - start == MIN_EAR - 1 and _begins_everyday_word(text.seen, start + 1, end):
            return False
        return self._counts(text, start, end)


def _aligned(automaton: ahocorasick.Automaton, text: str) -> Iterator[tuple[int, int, Hit]]:
    """Where hits begin and end, in characters; those that begin in the middle of a character are none."""
    for last, (length, hit) in automaton.iter(_narrow(text)):
        if last % 2:
            yield (last + 1 - length) // 2, (last + 1) // 2, hit


def _straddles(folded: str, start: int, end: int) -> bool:
    """The hit is the end of one everyday word and the beginning of the next: 黄色|情侣, 消毒|品牌."""
    everyday = ordinary_words()
    return any(
        any(folded[start - more : middle] in everyday for more in (1, 2) if more <= start)
        and any(folded[middle : end + more] in everyday for more in (1, 2))
        for middle in range(start + 1, end)
    )


def _begins_everyday_word(folded: str, middle: int, end: int) -> bool:
    """What begins in the middle of a hit by ear goes on beyond it: 办|正事. Of two syllables that is enough."""
    return any(folded[middle : end + more] in ordinary_words() for more in (1, 2))


def _places(text: str) -> list[int]:
    """Where in the text each character of its folded form comes from."""
    return [at for at, char in enumerate(text) for _ in fold_char(char)]


def _letter(text: str, at: int) -> bool:
    return 0 <= at < len(text) and bool(read := fold_char(text[at])) and read.isascii() and read.isalnum()
