"""Quizzes as the engine sees them: questions kept back and released by delay, answers committed in groups."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from pydantic import BaseModel

from config.clock import Clock, rfc3339
from interaction.activities.kind import Facts
from interaction.activities.quiz.ranking import TOP, Shuffle, Standings, by_lot, ranks
from interaction.activities.quiz.release import TRANSIT_SECONDS, closes_at, groups
from interaction.activities.quiz.rules import Question, QuizRules, chosen, rules_of
from interaction.activities.quiz.running import Running
from interaction.activities.quiz.scoring import is_right
from interaction.activities.quiz.shown import board, board_row, public_question, sheets, state_of
from interaction.activity import Activity, State
from interaction.commit import Busy, GroupCommit, Outcome
from interaction.positions import Positions
from interaction.rejected import Rejected
from interaction.store.quiz_answers import Given, QuizAnswer, QuizAnswerStore, to_document
from interaction.store.quiz_releases import QuizReleaseStore
from interaction.viewer import Viewer

TICK_SECONDS = 0.05
"""How exactly a question is released and closed."""

log = structlog.get_logger(__name__)


class Audience(Protocol):
    """Who is connected, and how to reach some of them."""

    def viewers(self, event_id: str) -> Iterable[str]:
        """Everybody with a socket in the room."""

    def to_viewers(self, event_id: str, viewer_ids: Iterable[str], event: str, payload: object) -> None:
        """The same bytes to every socket of these viewers, and to nobody else."""


class Engine(Protocol):
    """What a quiz needs of the engine that it is a kind of."""

    async def get(self, activity_id: str) -> Activity | None: ...

    async def refresh(self, activity_id: str, facts: Facts | None = None) -> Activity:
        """Keep facts, then tell the room."""


@dataclass(slots=True)
class _Quiz:
    activity_id: str
    event_id: str
    rules: QuizRules
    standings: Standings
    sheets: dict[str, dict[str, Any]]
    """Questions as viewers get them, by id."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """As in the activity's facts: id, at, over_at, revealed_at, counts, answered, right."""
    answers: dict[str, dict[str, Given]] = field(default_factory=dict)
    running: Running | None = None
    revived: list[int] = field(default_factory=list)
    """Behind how many revealed questions the crew let everybody in again."""
    places: dict[str, int] | None = None
    """Final, once settled."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def given(self, question_id: str) -> dict[str, Given]:
        return self.answers.setdefault(question_id, {})


class Quizzes:
    """The kind `quiz`. What memory holds is the fold of facts and answers: `load` folds again."""

    name = "quiz"
    right: str | None = "answer"

    def __init__(
        self,
        answers: QuizAnswerStore,
        releases: QuizReleaseStore,
        commit: GroupCommit,
        positions: Positions,
        clock: Clock,
        shuffle: Shuffle = by_lot,
    ) -> None:
        self._answers = answers
        self._releases = releases
        self._commit = commit
        self._positions = positions
        self._clock = clock
        self._shuffle = shuffle
        self._quizzes: dict[str, _Quiz] = {}
        self.audience: Audience | None = None
        """Set by the composition root before the first quiz opens; so is the next."""
        self.engine: Engine | None = None

    async def ensure_indexes(self) -> None:
        await self._answers.ensure_indexes()
        await self._releases.ensure_indexes()

    # --- memory ---

    async def load(self, activity: Activity) -> None:
        rules = rules_of(activity)
        quiz = _Quiz(activity.id, activity.event_id, rules, Standings(rules), sheets(activity))
        quiz.asked = [dict(entry) for entry in activity.facts.get("asked", [])]
        quiz.revived = list(activity.facts.get("revived", []))
        async for answer in self._answers.every(activity.id):
            quiz.given(answer.question_id)[answer.given.viewer_id] = answer.given
        for entry in quiz.asked:
            if entry["revealed_at"] is not None:
                quiz.standings.after(_question(rules, entry["id"]), quiz.given(entry["id"]).values())
                if quiz.standings.questions in quiz.revived:
                    quiz.standings.revive()
        if activity.state is State.SETTLED and "tie_seed" in activity.facts:
            quiz.places = dict(ranks(quiz.standings.final(activity.facts["tie_seed"], self._shuffle)))
        if activity.state is State.OPEN and quiz.asked and quiz.asked[-1]["over_at"] is None:
            await self._resume(quiz, quiz.asked[-1])
        self._quizzes[activity.id] = quiz

    async def _resume(self, quiz: _Quiz, entry: dict[str, Any]) -> None:
        """The last process ended in mid-question."""
        question, now = _question(quiz.rules, entry["id"]), self._clock.utc()
        released = await self._releases.of_question(quiz.activity_id, entry["id"])
        running = Running(question, entry["at"], released, 0.0, resumed_at=now)
        running.released = {step: entry["at"] + step for step in released if entry["at"] + step <= now}
        last = max(now - entry["at"], max(released, default=0))
        running.closes_at = closes_at(entry["at"], 0, question.seconds) + last
        quiz.running = running

    def forget(self, activity_id: str) -> None:
        self._quizzes.pop(activity_id, None)

    # --- the life of the activity ---

    async def opening(self, activity: Activity) -> Facts:
        rules = rules_of(activity)
        self._quizzes[activity.id] = _Quiz(activity.id, activity.event_id, rules, Standings(rules), sheets(activity))
        return {"asked": [], "revived": []}

    async def closing(self, activity: Activity) -> Facts:
        """A question that still runs ends here for everybody."""
        quiz = self._quizzes[activity.id]
        async with quiz.lock:
            asked = await self._ended(quiz) if quiz.running is not None else quiz.asked
            standings, facts = self._revealed(quiz, asked)
            quiz.standings, quiz.asked, quiz.running = standings, facts["asked"], None
            return facts

    async def settling(self, activity: Activity, command: Facts) -> Facts:
        """Equals are put in order by lot; the seed is kept, so that anybody can do it again."""
        quiz = self._quizzes[activity.id]
        seed = secrets.token_hex(16)
        final = quiz.standings.final(seed, self._shuffle)
        quiz.places = dict(ranks(final))
        return {"tie_seed": seed, "leaderboard": [board_row(rank, player, quiz.rules) for rank, player in final[:TOP]]}

    async def voiding(self, activity: Activity) -> None:
        """Answers stay: they are the proof of what was voided."""
        quiz = self._quizzes.get(activity.id)
        if quiz is not None:
            quiz.running = None

    # --- the run-sheet ---

    async def ask(self, activity: Activity, question_id: str | None) -> Activity:
        """The next question, or the named one, begins its way to the viewers. Raises Rejected."""
        quiz = self._open_quiz(activity)
        async with quiz.lock:
            question = self._askable(quiz, question_id)
            now = self._clock.utc()
            delays = {viewer_id: heard.delay for viewer_id, heard in self._positions.of_event(quiz.event_id).items()}
            present = self.audience.viewers(quiz.event_id) if self.audience is not None else ()
            fixed = groups(present, delays)
            await self._releases.put(quiz.activity_id, question.id, fixed)
            standings, facts = self._revealed(quiz, quiz.asked)
            entry = {
                "id": question.id, "at": now, "over_at": None, "revealed_at": None,
                "counts": {}, "answered": 0, "right": 0,
            }  # fmt: skip
            facts["asked"] = [*facts["asked"], entry]
            changed = await self._refresh(quiz, facts)
            # nothing goes out before it is kept
            quiz.running = Running(question, now, fixed, closes_at(now, max(fixed, default=0), question.seconds))
            quiz.asked, quiz.standings = facts["asked"], standings
            return changed

    def _askable(self, quiz: _Quiz, question_id: str | None) -> Question:
        if quiz.running is not None:
            raise Rejected("question_running")
        asked = {entry["id"] for entry in quiz.asked}
        if question_id is not None:
            if question_id in asked:
                raise Rejected("question_asked")
            return quiz.rules.questions[quiz.rules.number(question_id)]
        for question in quiz.rules.questions:
            if question.id not in asked:
                return question
        raise Rejected("no_more_questions")

    async def reveal(self, activity: Activity) -> Activity:
        """The correct options and the tallies, to everybody. Raises Rejected while somebody may still answer."""
        quiz = self._open_quiz(activity)
        async with quiz.lock:
            if quiz.running is not None:
                raise Rejected("question_running")
            standings, facts = self._revealed(quiz, quiz.asked)
            quiz.standings, quiz.asked = standings, facts["asked"]
            return await self._refresh(quiz, facts)

    async def revive(self, activity: Activity) -> Activity:
        """Everybody who is out plays on from the next question. Raises Rejected."""
        quiz = self._open_quiz(activity)
        async with quiz.lock:
            if not quiz.rules.elimination:
                raise Rejected("not_an_elimination")
            if quiz.running is not None:
                raise Rejected("question_running")
            standings, facts = self._revealed(quiz, quiz.asked)
            standings.revive()
            facts |= {"revived": [*quiz.revived, standings.questions], **board(standings, quiz.rules)}
            changed = await self._refresh(quiz, facts)
            quiz.standings, quiz.asked, quiz.revived = standings, facts["asked"], facts["revived"]
            return changed

    def _open_quiz(self, activity: Activity) -> _Quiz:
        quiz = self._quizzes.get(activity.id)
        if quiz is None or activity.state is not State.OPEN:
            raise Rejected("activity_state")
        return quiz

    async def _refresh(self, quiz: _Quiz, facts: Facts | None) -> Activity:
        assert self.engine is not None
        return await self.engine.refresh(quiz.activity_id, facts)

    def _revealed(self, quiz: _Quiz, asked: list[dict[str, Any]]) -> tuple[Standings, Facts]:
        """Whatever is over counts and is shown from here on."""
        standings, now = quiz.standings.copy(), self._clock.utc()
        entries = []
        for entry in asked:
            if entry["over_at"] is not None and entry["revealed_at"] is None:
                standings.after(_question(quiz.rules, entry["id"]), quiz.given(entry["id"]).values())
                entry = {**entry, "revealed_at": now}
            entries.append(entry)
        return standings, {"asked": entries, **board(standings, quiz.rules)}

    async def _ended(self, quiz: _Quiz) -> list[dict[str, Any]]:
        """The running question is over for everybody: its answers are counted. Facts, not kept yet."""
        running = quiz.running
        assert running is not None
        running.stopped = True
        await running.drained()
        question = running.question
        if running.unknown:
            async for answer in self._answers.every(quiz.activity_id):
                if answer.question_id == question.id:
                    quiz.given(question.id)[answer.given.viewer_id] = answer.given
        given = quiz.given(question.id).values()
        counts = Counter(option for one in given for option in one.options)
        ended = {
            **quiz.asked[-1],
            "over_at": self._clock.utc(),
            "counts": {option: counts[option] for option in question.options},
            "answered": len(given),
            "right": sum(one.right for one in given),
        }
        return [*quiz.asked[:-1], ended]

    # --- time ---

    async def release_forever(self) -> None:
        """Questions go out, each group at its second; nothing here waits for a database."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for quiz in tuple(self._quizzes.values()):
                try:
                    self.release_due(quiz.activity_id)
                except Exception:
                    log.exception("a question was not released", activity_id=quiz.activity_id)

    def release_due(self, activity_id: str) -> None:
        quiz = self._quizzes[activity_id]
        running = quiz.running
        if running is None or running.stopped:
            return
        now = self._clock.utc()
        for step, viewers in running.groups.items():
            if step in running.released or running.asked_at + step > now:
                continue
            running.released[step] = now
            if self.audience is not None:
                payload = self._sheet(quiz, running, now, now)
                self.audience.to_viewers(quiz.event_id, viewers, "personal", payload)

    async def advance_forever(self) -> None:
        """Questions end, and everybody is told how far they are."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for quiz in tuple(self._quizzes.values()):
                try:
                    await self._advance(quiz)
                except Rejected:
                    pass  # the crew closed or voided the quiz in this very moment
                except Exception:
                    log.exception("a question did not go on", activity_id=quiz.activity_id)

    async def _advance(self, quiz: _Quiz) -> None:
        running = quiz.running
        if running is None:
            await self._ask_first(quiz)
            return
        if running.released_to_all and not running.told:
            running.told = True
            await self._refresh(quiz, None)
        if self._clock.utc() >= running.closes_at:
            async with quiz.lock:
                if quiz.running is not running:
                    return
                asked = await self._ended(quiz)
                standings, facts = quiz.standings, {"asked": asked}
                if not quiz.rules.reveal_by_hand:
                    standings, facts = self._revealed(quiz, asked)
                await self._refresh(quiz, facts)
                quiz.standings, quiz.asked, quiz.running = standings, facts["asked"], None

    async def _ask_first(self, quiz: _Quiz) -> None:
        if quiz.asked or not quiz.rules.at_open or self.engine is None:
            return
        activity = await self.engine.get(quiz.activity_id)
        if activity is not None and activity.state is State.OPEN and not quiz.asked:
            await self.ask(activity, None)

    # --- what people see ---

    def _sheet(self, quiz: _Quiz, running: Running, released_at: float, now: float) -> dict[str, Any]:
        """A question with its text, for those to whom it was released. Nothing of what is correct."""
        question = running.question
        return {
            "type": "question",
            "activity_id": quiz.activity_id,
            "question": quiz.sheets[question.id],
            "asked_at": rfc3339(running.asked_at),
            "released_at": rfc3339(released_at),
            "seconds_left": round(max(self._deadline(running, released_at) - now, 0.0), 2),
        }

    def _deadline(self, running: Running, released_at: float) -> float:
        return max(released_at, running.resumed_at or 0.0) + running.question.seconds

    def view(self, activity: Activity) -> dict[str, Any]:
        """Of a question that is not revealed: its number, and how far it is. Never its text."""
        rules = activity.rules
        quiz = self._quizzes.get(activity.id)
        asked = activity.facts.get("asked", [])
        view: dict[str, Any] = {
            "mode": rules["mode"],
            "count": len(rules["questions"]),
            "asked": len(asked),
            "protocol": rules["protocol"],
            "question": None,
            "leaderboard": activity.facts.get("leaderboard", []),
            "players": activity.facts.get("players", 0),
            "alive": activity.facts.get("alive"),
        }
        if asked:
            running = quiz.running if quiz is not None else None
            view["question"] = public_question(activity, asked[-1], running)
        return view

    def tally(self, activity: Activity) -> dict[str, Any] | None:
        """Nothing before a question is over, and then it comes with the activity."""
        return None

    async def results(self, activity: Activity) -> dict[str, Any]:
        quiz = self._quizzes.get(activity.id)
        asked = {entry["id"]: entry for entry in activity.facts.get("asked", [])}
        running = quiz.running if quiz is not None else None
        questions = []
        for question in activity.rules["questions"]:
            entry = asked.get(question["id"])
            over = entry is not None and entry["over_at"] is not None
            counts = entry["counts"] if entry is not None and over else None
            live = quiz is not None and running is not None and running.question.id == question["id"]
            questions.append({
                "id": question["id"],
                "text": question["text"],
                "state": state_of(entry, running) if entry is not None else "waiting",
                "answered": len(quiz.given(question["id"])) if live and quiz else (entry["answered"] if entry else 0),
                "right": entry["right"] if entry is not None and over else None,
                "options": [
                    {
                        "id": option["id"],
                        "text": option["text"],
                        "correct": option["correct"],
                        "count": counts.get(option["id"], 0) if counts is not None else None,
                    }
                    for option in question["options"]
                ],
            })  # fmt: skip
        return {
            "players": activity.facts.get("players", 0),
            "alive": activity.facts.get("alive"),
            "closes_at": rfc3339(running.closes_at) if running is not None else None,
            "questions": questions,
            "leaderboard": activity.facts.get("leaderboard", []),
            "tie_seed": activity.facts.get("tie_seed"),
        }

    def leaderboard(self, activity: Activity, limit: int) -> list[dict[str, Any]]:
        """For the crew, who may want more than the audience's top."""
        quiz = self._quizzes.get(activity.id)
        if quiz is None:
            return []
        ranked = quiz.standings.ranked()
        if quiz.places is not None:
            ranked = sorted((quiz.places[player.viewer_id], player) for _, player in ranked)
        return [
            {**board_row(rank, player, quiz.rules), "viewer_id": player.viewer_id} for rank, player in ranked[:limit]
        ]

    async def mine(self, activity: Activity, viewer_id: str) -> dict[str, Any] | None:
        quiz = self._quizzes.get(activity.id)
        if quiz is None:
            return None
        revealed = {entry["id"] for entry in quiz.asked if entry["revealed_at"] is not None}
        answers = {}
        for question_id, given in quiz.answers.items():
            one = given.get(viewer_id)
            if one is not None:
                answers[question_id] = {"options": list(one.options), "seconds": one.seconds}
                if question_id in revealed:
                    answers[question_id]["right"] = one.right
        mine: dict[str, Any] = {"answers": answers}
        player = quiz.standings.players.get(viewer_id)
        if player is not None:
            rank = (quiz.places or ranks(quiz.standings.ranked()))[viewer_id]
            mine |= {"rank": rank, "score": player.score, "right": player.right, "seconds": round(player.seconds, 3)}
        if quiz.rules.elimination:
            life = quiz.standings.life(viewer_id)
            mine |= {"out": life.out, "revivals": life.revivals}
        running = quiz.running
        if running is not None and not running.stopped:
            released_at = running.released_to(viewer_id)
            if released_at is not None:
                mine["question"] = self._sheet(quiz, running, released_at, self._clock.utc())
            elif viewer_id not in running.step_of:
                mine["late"] = True
        return mine

    # --- what viewers do ---

    async def take(self, activity: Activity, viewer: Viewer, event: str, sent: BaseModel) -> dict[str, Any]:
        if event != "answer":
            raise Rejected("wrong_kind")
        quiz = self._quizzes[activity.id]
        question_id: str = sent.question_id  # type: ignore[attr-defined]
        options: list[str] = sent.options  # type: ignore[attr-defined]
        question = quiz.rules.questions[quiz.rules.number(question_id)]
        before = quiz.given(question_id).get(viewer.id)
        if before is not None:
            return _again(before, chosen(question, options))
        now = self._clock.utc()
        running, released_at = self._answerable(quiz, viewer, question_id, now)
        picked = chosen(question, options)
        seconds = round(max(now - released_at, 0.0), 3)
        given = Given(viewer.id, viewer.nickname, picked, is_right(question, picked), seconds)
        running.pending += 1
        answered = False

        def settled(outcome: Outcome) -> None:
            nonlocal answered
            answered = True
            running.settled()
            if outcome is Outcome.WRITTEN:
                quiz.given(question_id)[viewer.id] = given
            else:
                running.unknown = True

        answer = QuizAnswer(activity.id, question_id, now, given)
        try:
            outcome = await self._commit.insert(to_document(answer), settled)
        except Busy:
            if not answered:  # it was not even taken into a batch
                running.settled()
            raise
        if outcome is Outcome.WRITTEN:
            return _taken(given)
        kept = await self._answers.get(activity.id, question_id, viewer.id)
        return _again(kept.given if kept is not None else given, picked)

    def _answerable(self, quiz: _Quiz, viewer: Viewer, question_id: str, now: float) -> tuple[Running, float]:
        """The running question and when this viewer got it. Raises Rejected."""
        running = quiz.running
        if running is None or running.question.id != question_id:
            over = any(entry["id"] == question_id for entry in quiz.asked)
            raise Rejected("question_over" if over else "question_not_asked")
        if viewer.id not in running.step_of:
            raise Rejected("from_next_question")
        released_at = running.released_to(viewer.id)
        if released_at is None:
            raise Rejected("not_released")
        if running.stopped or now > self._deadline(running, released_at) + TRANSIT_SECONDS:
            raise Rejected("too_late")
        if quiz.rules.elimination and quiz.standings.life(viewer.id).out:
            raise Rejected("eliminated")
        if quiz.rules.protocol is not None:
            heard = self._positions.of_viewer(quiz.event_id, viewer.id)
            if heard is None or heard.protocol != quiz.rules.protocol:
                raise Rejected("wrong_protocol")
        return running, released_at


def _again(before: Given, options: tuple[str, ...]) -> dict[str, Any]:
    """The same answer again is success, another one is not."""
    if before.options != options:
        raise Rejected("already_answered")
    return {**_taken(before), "repeated": True}


def _taken(given: Given) -> dict[str, Any]:
    return {"options": list(given.options), "seconds": given.seconds}


def _question(rules: QuizRules, question_id: str) -> Question:
    return rules.questions[rules.number(question_id)]


@asynccontextmanager
async def running_quizzes(quizzes: Quizzes) -> AsyncIterator[Quizzes]:
    """Questions are released and end while the context is open."""
    tasks = [asyncio.create_task(quizzes.release_forever()), asyncio.create_task(quizzes.advance_forever())]
    try:
        yield quizzes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
