"""What a question and a leaderboard look like to those who may see them. Pure."""

from __future__ import annotations

from typing import Any

from config.clock import rfc3339
from interaction.activities.quiz.ranking import TOP, Player, Standings
from interaction.activities.quiz.rules import QuizRules
from interaction.activities.quiz.running import Running
from interaction.activity import Activity


def sheets(activity: Activity) -> dict[str, dict[str, Any]]:
    return {
        question["id"]: {
            "id": question["id"],
            "number": number,
            "text": question["text"],
            "picture": question["picture"],
            "multiple": question["multiple"],
            "seconds": question["seconds"],
            "points": question["points"],
            "options": [{name: option[name] for name in ("id", "text", "picture")} for option in question["options"]],
        }
        for number, question in enumerate(activity.rules["questions"], 1)
    }


def state_of(entry: dict[str, Any], running: Running | None) -> str:
    if entry["revealed_at"] is not None:
        return "revealed"
    if entry["over_at"] is not None:
        return "over"
    return "released" if running is not None and running.released_to_all else "held"


def public_question(activity: Activity, entry: dict[str, Any], running: Running | None) -> dict[str, Any]:
    number, written = next(
        (number, question)
        for number, question in enumerate(activity.rules["questions"], 1)
        if question["id"] == entry["id"]
    )
    public: dict[str, Any] = {
        "id": entry["id"],
        "number": number,
        "asked_at": rfc3339(entry["at"]),
        "seconds": written["seconds"],
        "state": state_of(entry, running),
    }
    if entry["revealed_at"] is not None:
        public |= {
            "text": written["text"],
            "picture": written["picture"],
            "options": [{**option, "count": entry["counts"].get(option["id"], 0)} for option in written["options"]],
            "answered": entry["answered"],
            "right": entry["right"],
        }
    return public


def board(standings: Standings, rules: QuizRules) -> dict[str, Any]:
    rows = [board_row(rank, player, rules) for rank, player in standings.ranked()[:TOP]]
    alive = standings.alive if rules.elimination else None
    return {"leaderboard": rows, "players": len(standings.players), "alive": alive}


def board_row(rank: int, player: Player, rules: QuizRules) -> dict[str, Any]:
    row: dict[str, Any] = {
        "rank": rank,
        "viewer": player.viewer_id[:12],
        "nickname": player.nickname,
        "score": player.score,
        "right": player.right,
        "seconds": round(player.seconds, 1),
    }
    if rules.elimination:
        row["out"] = player.life.out
    return row
