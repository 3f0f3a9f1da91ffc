"""Who is before whom: more points, then less time, then by lot. Pure but for its own memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from interaction.activities.lottery.draw import Tier, draw
from interaction.activities.quiz.elimination import Life, after_question, of_newcomer, revived
from interaction.activities.quiz.rules import Question, QuizRules
from interaction.activities.quiz.scoring import points
from interaction.store.quiz_answers import Given

TOP = 50
"""What everybody sees of the leaderboard."""

Shuffle = Callable[[str, Sequence[str]], list[str]]
"""A seed and names to the same names in an order that only the seed decides."""


@dataclass(frozen=True, slots=True)
class Player:
    viewer_id: str
    nickname: str
    life: Life
    score: int = 0
    seconds: float = 0.0
    """Of all answers that were right: whoever is wrong quickly gains nothing by it."""
    right: int = 0
    answered: int = 0
    survived: int = 0
    """Questions that the player stood (elimination)."""


def key(rules: QuizRules, player: Player) -> tuple[float, ...]:
    """Smaller is better. In an elimination whoever stood longest comes first."""
    seconds = round(player.seconds, 3)
    if rules.elimination:
        return (-player.survived, -player.score, seconds)
    return (-player.score, seconds)


class Standings:
    """All players after some questions: a fold, so that a restart folds again and gets the same."""

    def __init__(self, rules: QuizRules) -> None:
        self._rules = rules
        self.players: dict[str, Player] = {}
        self.questions = 0
        self._ranked: list[tuple[int, Player]] | None = None

    def after(self, question: Question, given: Iterable[Given]) -> None:
        """A question is over."""
        rules = self._rules
        answers = {one.viewer_id: one for one in given}
        for one in answers.values():
            if one.viewer_id not in self.players:
                life = of_newcomer(revivals=rules.revivals, missed=self.questions, late_may_play=rules.late_may_play)
                self.players[one.viewer_id] = Player(one.viewer_id, one.nickname, life)
        for viewer_id, player in self.players.items():
            self.players[viewer_id] = _after(rules, question, player, answers.get(viewer_id))
        self.questions += 1
        self._ranked = None

    def copy(self) -> Standings:
        other = Standings(self._rules)
        other.players, other.questions = dict(self.players), self.questions
        return other

    def revive(self) -> None:
        """Whoever is out plays on."""
        self.players = {id_: replace(player, life=revived(player.life)) for id_, player in self.players.items()}
        self._ranked = None

    def life(self, viewer_id: str) -> Life:
        player = self.players.get(viewer_id)
        if player is not None:
            return player.life
        rules = self._rules
        return of_newcomer(revivals=rules.revivals, missed=self.questions, late_may_play=rules.late_may_play)

    @property
    def alive(self) -> int:
        return sum(not player.life.out for player in self.players.values())

    def ranked(self) -> list[tuple[int, Player]]:
        """Rank (from 1, shared by equals) and player."""
        if self._ranked is None:
            rules = self._rules
            ordered = sorted(self.players.values(), key=lambda player: (key(rules, player), player.viewer_id))
            ranked: list[tuple[int, Player]] = []
            for place, player in enumerate(ordered, 1):
                same = bool(ranked) and key(rules, ranked[-1][1]) == key(rules, player)
                ranked.append((ranked[-1][0] if same else place, player))
            self._ranked = ranked
        return self._ranked

    def final(self, seed: str, shuffle: Shuffle) -> list[tuple[int, Player]]:
        """The last word: equals are put in an order by lot, so that each place is one player's."""
        tied: dict[int, list[Player]] = {}
        for rank, player in self.ranked():
            tied.setdefault(rank, []).append(player)
        order: list[Player] = []
        for rank, players in tied.items():
            by_id = {player.viewer_id: player for player in players}
            names = shuffle(f"{seed}:{rank}", sorted(by_id)) if len(players) > 1 else list(by_id)
            order += [by_id[name] for name in names]
        return list(enumerate(order, 1))


def by_lot(seed: str, names: Sequence[str]) -> list[str]:
    """An order that only the seed decides: the lottery's own draw of as many places as there are names."""
    key = hashlib.sha256(seed.encode()).digest()
    return [winner.line for winner in draw(key, sorted(names), [Tier("place", len(names))])]


def _after(rules: QuizRules, question: Question, player: Player, given: Given | None) -> Player:
    was_out = player.life.out
    right = given is not None and given.right
    life = after_question(player.life, right=right) if rules.elimination else player.life
    if given is None:
        return replace(player, life=life, survived=player.survived + (rules.elimination and not life.out))
    counts = not (rules.elimination and was_out)
    return replace(
        player,
        nickname=given.nickname,
        life=life,
        score=player.score + (points(question, right=right, seconds=given.seconds, speed=rules.speed) if counts else 0),
        seconds=player.seconds + (given.seconds if right and counts else 0.0),
        right=player.right + (right and counts),
        answered=player.answered + 1,
        survived=player.survived + (rules.elimination and not life.out),
    )


def ranks(ranked: Iterable[tuple[int, Player]]) -> Mapping[str, int]:
    return {player.viewer_id: rank for rank, player in ranked}
