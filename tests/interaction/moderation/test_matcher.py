"""What counts as a listed word, and what only looks or sounds like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.moderation.fold import fold, fold_char
from interaction.moderation.matcher import Folded, Matcher
from interaction.moderation.words import Ear, Level, Word, read_words, write_words

MATCHER = Matcher(
    [
        Word("赌博", Level.REFUSE, Ear.YES),
        Word("代开发票"),
        Word("色情"),
        Word("微信", ear=Ear.NO),
        Word("sex"),
        Word("安徽信阳", Level.ALLOW),
    ]
)


def found(text: str) -> list[str]:
    return [hit.word for hit in MATCHER.find(Folded(text))]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("来赌博", "赌博"),
        ("ＤＵ 博", "赌博"),
        ("賭​博", "赌博"),
        ("贝者…十尃", "赌博"),
        ("代 kai 发漂", "代开发票"),
        ("S.E.X", "sex"),
        ("𝐬𝐞𝐱", "sex"),
        ("加薇信徽信", "微信"),
    ],
)
def test_a_disguised_word_is_the_word(text: str, word: str) -> None:
    assert word in found(text)


@pytest.mark.parametrize(
    "text", ["", "👍🏻👨‍👩‍👧", "黄色情侣装", "Essex Sussex", "我去安徽信阳", "今天天气真好", "𠮷野家"]
)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert found(text) == []


@given(st.text(max_size=200))
def test_any_text_can_be_looked_through(text: str) -> None:
    assert fold(text) == "".join(map(fold_char, text))
    MATCHER.find(Folded(text))


@given(st.text(alphabet="今天灯会看花", max_size=20), st.text(alphabet=" .*-_~|/\u200b❤", max_size=3))
def test_a_word_is_found_wherever_it_stands_and_whatever_is_between(around: str, between: str) -> None:
    assert "代开发票" in found(around + between.join("代开发票") + around)


def test_a_list_goes_out_and_comes_back_the_same() -> None:
    words = [
        Word("赌博", Level.REFUSE, Ear.YES, "案例，见通报"),
        Word('带"引号"的', Level.ALLOW),
        Word("a,b", note="x"),
    ]
    assert read_words(write_words(words)) == (words, [])


def test_lines_of_a_text_are_a_list_too_and_faults_are_named_by_line() -> None:
    words, bad = read_words("# 说明\n\n赌博\n刷单,拦截,是\n")
    assert words == [Word("赌博"), Word("刷单", Level.REFUSE, Ear.YES)] and bad == []
    _, bad = read_words("word,level\n" + "长" * 41 + "\n好,没有这种\n,hold\n好,hold,也许\n")
    assert [(one.line, one.code) for one in bad] == [
        (2, "word_too_long"),
        (3, "no_such_level"),
        (4, "empty_word"),
        (5, "no_such_ear"),
    ]


def test_the_sterner_level_counts_when_two_words_look_alike() -> None:
    both = Matcher([Word("赌博", Level.HOLD), Word("賭博", Level.REFUSE)])
    assert [hit.level for hit in both.find(Folded("赌博"))] == [Level.REFUSE]
