"""Forty comments a second, drawn by weight, none twice, none lost without being counted."""

from __future__ import annotations

import random
from dataclasses import replace

from interaction.sampling import Sample, weight
from interaction.store.comments import Comment, Status

COMMENT = Comment("c", "event", "d1", "n", "words", 0.0, Status.SHOWN)


def said(sample: Sample, count: int) -> None:
    for number in range(count):
        sample.offer(replace(COMMENT, id=f"{len(sample)}-{number}", text=f"words {number}"))


def test_what_fits_is_all_shown() -> None:
    sample = Sample()
    for second in range(10):
        said(sample, 40)
        shown, hidden = sample.take(float(second))
        assert len(shown) == 40 and not hidden


def test_a_flood_shows_forty_a_second_on_any_tick() -> None:
    for ticks in (1, 4, 20):
        sample = Sample()
        sample.take(0.0)
        total = 0
        for tick in range(1, 10 * ticks + 1):
            said(sample, 1000 // ticks)
            shown, hidden = sample.take(tick / ticks)
            total += len(shown)
            assert len(shown) + len(hidden) == 1000 // ticks
            assert [c.id for c in shown] == sorted((c.id for c in shown), key=lambda id_: int(id_.split("-")[0]))
        assert 400 - ticks <= total <= 440


def test_who_signed_in_and_who_answers_is_drawn_more_often_a_chorus_less() -> None:
    assert weight(replace(COMMENT, viewer_id="u1"), repeated=False) == 3 * weight(COMMENT, repeated=False)
    assert weight(replace(COMMENT, reply_to="x"), repeated=False) > weight(COMMENT, repeated=False)
    assert weight(COMMENT, repeated=True) < weight(COMMENT, repeated=False)
    sample = Sample(random.Random(5))
    counts = {"u": 0, "d": 0}
    for second in range(200):
        for number in range(100):
            for kind in counts:
                sample.offer(replace(COMMENT, id=f"{kind}{number}", viewer_id=kind, text=f"{kind} {number}"))
        shown, _ = sample.take(float(second))
        for comment in shown:
            counts[comment.viewer_id] += 1
    assert 1.8 < counts["u"] / counts["d"] < 4, counts


def test_what_was_removed_before_it_was_shown_is_not_shown() -> None:
    sample = Sample()
    sample.offer(COMMENT)
    sample.withdraw(COMMENT.id)
    assert sample.take(0.0) == ([], [])
