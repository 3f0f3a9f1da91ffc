"""A quiz's run-sheet over the API: ask, reveal, let everybody in again, and who leads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from interaction.activities.engine import Activities
from interaction.activities.quiz.quizzes import Quizzes
from interaction.activity import Activity
from web.accounts.model import Permission
from web.auth.audit import Audit
from web.identity import address_of, caller
from web.problems import Problem
from web.routes.activities import access_activity, view_of
from web.routing import Access, Endpoint, Handler, answer, body_of
from web.schemas.activities import ActivityView
from web.schemas.activities.quiz import AskBody, LeaderboardQuery, LeaderboardRow, LeaderboardView


def quiz_endpoints(activities: Activities, quizzes: Quizzes, audit: Audit) -> list[Endpoint]:
    def command(name: str, act: Callable[[web.Request, Activity], Awaitable[Activity]]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            activity = await _quiz(request, activities, Permission.INTERACT)
            changed = await act(request, activity)
            await audit.write(
                name,
                by=caller(request).id,
                address=address_of(request),
                center_id=changed.center_id,
                target=changed.id,
            )
            return answer(view_of(changed))

        return handler

    async def leaderboard(request: web.Request) -> web.StreamResponse:
        activity = await _quiz(request, activities, Permission.SEE_FIGURES)
        rows = quizzes.leaderboard(activity, LeaderboardQuery.model_validate(dict(request.query)).limit)
        return answer(LeaderboardView(items=[LeaderboardRow.model_validate(row) for row in rows]))

    path, crew = "/api/v1/activities/{activity_id}", Access.CREW
    ask = command("ask_question", lambda request, one: quizzes.ask(one, body_of(request, AskBody).question_id))
    reveal = command("reveal_question", lambda _, one: quizzes.reveal(one))
    revive = command("revive_players", lambda _, one: quizzes.revive(one))
    return [
        Endpoint("POST", f"{path}/ask", ask, crew, "Ask a quiz's next question", body=AskBody, returns=ActivityView),
        Endpoint("POST", f"{path}/reveal", reveal, crew, "Show what was correct", returns=ActivityView),
        Endpoint("POST", f"{path}/revive", revive, crew, "Let everybody play on", returns=ActivityView),
        Endpoint(
            "GET",
            f"{path}/leaderboard",
            leaderboard,
            crew,
            "A quiz's leaderboard",
            query=LeaderboardQuery,
            returns=LeaderboardView,
        ),
    ]


async def _quiz(request: web.Request, activities: Activities, permission: Permission) -> Activity:
    """The quiz in the path, in memory. Raises Problem."""
    activity = await access_activity(request, activities, permission)
    if activity.kind != "quiz":
        raise Problem(409, "wrong_kind")
    await activities.every(activity.event_id)
    current = await activities.get(activity.id)
    return current or activity
