"""The kept corpus: disguised words are caught, and what viewers of a county say is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interaction.moderation.matcher import Folded, Matcher
from interaction.moderation.words import read_words

CORPUS = Path(__file__).parents[2] / "data" / "moderation"


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    words, bad = read_words((CORPUS / "words.csv").read_text("utf-8"))
    assert not bad
    return Matcher(words)


def lines(name: str) -> Iterator[str]:
    return (line for line in (CORPUS / name).read_text("utf-8").splitlines() if line and not line.startswith("#"))


def test_of_300_evasions_19_in_20_are_caught(matcher: Matcher) -> None:
    evasions = [line.split("\t") for line in lines("evasions.txt")]
    missed = [written for _, written in evasions if not matcher.find(Folded(written))]
    assert len(evasions) >= 300 and len({written for _, written in evasions}) == len(evasions)
    assert len(missed) <= len(evasions) * 0.05, missed


def test_of_5000_ordinary_sentences_one_in_200_is_held_at_most(matcher: Matcher) -> None:
    ordinary = list(lines("ordinary.txt"))
    held = [text for text in ordinary if matcher.find(Folded(text))]
    assert len(ordinary) == len(set(ordinary)) == 5000
    assert len(held) <= 25, held
