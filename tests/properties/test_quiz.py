"""Whatever is answered: scores stay within their bounds, ranks agree with them, and folding again gives the same."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from interaction.activities.quiz.elimination import Life, after_question, of_newcomer, revived
from interaction.activities.quiz.ranking import Standings, by_lot, key
from interaction.activities.quiz.release import EARLY_SECONDS, MAX_STEP, closes_at, groups, step
from interaction.activities.quiz.rules import Question, QuizRules
from interaction.activities.quiz.scoring import PLATEAU_SECONDS, is_right, points
from interaction.positions import parse
from interaction.store.quiz_answers import Given

QUESTIONS = tuple(
    Question(f"q{number}", ("o1", "o2", "o3"), frozenset({"o1"}), False, 20.0, 1000) for number in range(1, 6)
)
VIEWERS = [f"v{number}" for number in range(6)]

answers = st.fixed_dictionaries(
    {},
    optional={
        viewer: st.tuples(st.sampled_from(["o1", "o2", "o3"]), st.floats(0, 20.5, allow_nan=False))
        for viewer in VIEWERS
    },
)
rounds = st.lists(answers, max_size=5)
rule_sets = st.builds(
    QuizRules,
    questions=st.just(QUESTIONS),
    elimination=st.booleans(),
    speed=st.booleans(),
    revivals=st.integers(0, 2),
    late_may_play=st.booleans(),
    protocol=st.none(),
    at_open=st.just(False),
    reveal_by_hand=st.just(False),
)


def _given(question: Question, answered: dict[str, tuple[str, float]]) -> list[Given]:
    return [
        Given(viewer, viewer, (option,), is_right(question, {option}), seconds)
        for viewer, (option, seconds) in answered.items()
    ]


def _folded(rules: QuizRules, played: Sequence[dict[str, tuple[str, float]]]) -> Standings:
    standings = Standings(rules)
    for question, answered in zip(QUESTIONS, played, strict=False):
        standings.after(question, _given(question, answered))
    return standings


@given(rule_sets, rounds)
def test_a_restart_folds_to_the_same(rules: QuizRules, played: list[dict[str, tuple[str, float]]]) -> None:
    once = Standings(rules)
    for question, answered in zip(QUESTIONS, played, strict=False):
        once = once.copy()
        once.after(question, _given(question, answered)[::-1])  # in whatever order the database gives them
        once.ranked()
    assert once.ranked() == _folded(rules, played).ranked()


@given(rule_sets, rounds)
def test_scores_and_ranks_agree(rules: QuizRules, played: list[dict[str, tuple[str, float]]]) -> None:
    ranked = _folded(rules, played).ranked()
    assert [rank for rank, _ in ranked] == sorted(rank for rank, _ in ranked)
    for place, (rank, player) in enumerate(ranked, 1):
        assert rank <= place
        assert 0 <= player.score <= 1000 * player.right <= 1000 * player.answered
        assert rank == 1 + sum(key(rules, other) < key(rules, player) for _, other in ranked)


@given(rule_sets, rounds, st.text(min_size=1, max_size=8))
def test_lots_decide_nothing_but_equals(
    rules: QuizRules, played: list[dict[str, tuple[str, float]]], seed: str
) -> None:
    standings = _folded(rules, played)
    final = standings.final(seed, by_lot)
    assert [place for place, _ in final] == list(range(1, len(standings.players) + 1))
    assert sorted(player.viewer_id for _, player in final) == sorted(standings.players)
    keys = [key(rules, player) for _, player in final]
    assert keys == sorted(keys)
    assert final == standings.final(seed, by_lot)


@given(st.floats(0, 30), st.floats(0, 30), st.booleans())
def test_quicker_is_never_worth_less_and_wrong_is_worth_nothing(one: float, other: float, speed: bool) -> None:
    question = QUESTIONS[0]
    quick, slow = sorted((one, other))
    best = points(question, right=True, seconds=quick, speed=speed)
    assert best >= points(question, right=True, seconds=slow, speed=speed) >= question.points // 2
    assert points(question, right=False, seconds=quick, speed=speed) == 0
    assert points(question, right=True, seconds=PLATEAU_SECONDS, speed=True) == question.points


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 3))
def test_a_life_ends_with_one_mistake_more_than_forgiven(played: list[bool], revivals: int) -> None:
    life = Life(revivals)
    for right in played:
        life = after_question(life, right=right)
    assert life.out == (played.count(False) > revivals)
    assert not revived(life).out


def test_who_comes_late_to_an_elimination_watches_unless_let_in() -> None:
    assert not of_newcomer(revivals=1, missed=0, late_may_play=False).out
    assert of_newcomer(revivals=1, missed=2, late_may_play=False).out
    assert of_newcomer(revivals=1, missed=2, late_may_play=True) == Life(1)


@given(st.dictionaries(st.sampled_from(VIEWERS), st.floats(0, 90)), st.sets(st.sampled_from([*VIEWERS, "silent"])))
def test_everybody_gets_a_question_once_and_nobody_before_the_picture(
    delays: dict[str, float], present: set[str]
) -> None:
    released = groups(present, delays)
    everybody = [viewer for viewers in released.values() for viewer in viewers]
    assert sorted(everybody) == sorted({*delays, *present})
    for at, viewers in released.items():
        assert 0 <= at <= MAX_STEP
        for viewer in viewers:
            if viewer in delays and delays[viewer] < MAX_STEP:
                assert delays[viewer] - EARLY_SECONDS <= at <= delays[viewer] + 1
    assert closes_at(100.0, max(released, default=0), 20.0) > 100.0 + max(released, default=0) + 20.0


def test_steps_and_positions() -> None:
    assert [step(delay) for delay in (-3, 0, 0.2, 0.3, 2.0, 2.25, 2.3, 90)] == [0, 0, 0, 1, 2, 2, 3, MAX_STEP]
    utc = 1_795_000_000.0
    assert parse(utc) == parse(utc * 1000) == utc
    assert parse("2026-12-01T00:00:00Z") == 1_796_083_200.0
    for nonsense in (None, "", "yesterday", "2026-12-01T00:00:00"):
        assert parse(nonsense) is None


def test_all_correct_options_and_no_other() -> None:
    question = Question("q1", ("o1", "o2", "o3"), frozenset({"o1", "o2"}), True, 20.0, 1000)
    assert is_right(question, ["o2", "o1"])
    assert not any(is_right(question, options) for options in (["o1"], ["o1", "o2", "o3"], ["o3"], []))
