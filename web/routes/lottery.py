"""Lotteries over the API: the list from outside, the published draw, winners and their claims."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from interaction.activities.engine import Activities
from interaction.activities.lottery.importing import Unreadable, read
from interaction.activities.lottery.lotteries import Lotteries
from interaction.activities.lottery.winners import Winners
from interaction.activity import Activity, State
from interaction.rejected import Rejected
from interaction.store.lotteries import LotteryStore
from web.accounts.model import Permission
from web.auth.audit import Audit
from web.identity import address_of, caller
from web.lottery_sheets import as_csv, as_xlsx
from web.lottery_words import LIST_WORDS
from web.problems import Problem, prefers_chinese
from web.realtime.viewers import ViewerTokens
from web.routes.activities import access_activity
from web.routing import Access, Endpoint, Handler, answer, body_of
from web.schemas.activities import ResultsView
from web.schemas.activities.lottery import (
    BadLine,
    ClaimBody,
    ClaimedView,
    ForfeitBody,
    ListView,
    PoolQuery,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def lottery_endpoints(
    activities: Activities,
    lotteries: Lotteries,
    winners: Winners,
    store: LotteryStore,
    tokens: ViewerTokens,
    audit: Audit,
) -> list[Endpoint]:
    async def take_list(request: web.Request) -> web.StreamResponse:
        activity = await _lottery(request, activities, Permission.INTERACT)
        caps = PoolQuery.model_validate(dict(request.query))
        data = await request.read()
        try:
            found = await asyncio.to_thread(read, data, per_person=caps.per_person, per_merchant=caps.per_merchant)
        except Unreadable as error:
            raise Rejected(error.code) from None
        imported = 0
        if not found.problem_count:
            async with activities.drafting(activity.id) as draft:
                imported = await lotteries.take_list(draft, found.rows)
            await _audited(request, "import_lottery_list", activity)
        english = not prefers_chinese(request)
        problems = [
            BadLine(
                line=bad.line, code=bad.code, field=bad.field, value=bad.value, message=LIST_WORDS[bad.code][english]
            )
            for bad in found.problems
        ]
        return answer(
            ListView(imported=imported, lines=found.lines, problem_count=found.problem_count, problems=problems)
        )

    async def transcript(request: web.Request) -> web.StreamResponse:
        activity = await activities.get(request.match_info["activity_id"])
        if activity is None or activity.kind != "lottery" or activity.state not in (State.SETTLED, State.VOID):
            raise Problem(404, "not_found")
        text = await store.transcript(activity.id)
        if text is None:
            raise Problem(404, "not_found")
        headers = {
            "Content-Disposition": f'attachment; filename="draw-{activity.id}.json"',
            "X-Content-Type-Options": "nosniff",
        }
        response = web.Response(text=text, content_type="application/json", headers=headers)
        response.enable_compression()
        return response

    async def claim(request: web.Request) -> web.StreamResponse:
        viewer = tokens.read(request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ").strip())
        if viewer is None:
            raise Problem(401, "join_again")
        activity = await activities.get(request.match_info["activity_id"])
        if activity is None or activity.kind != "lottery" or activity.event_id != viewer.event_id:
            raise Problem(404, "not_found")
        body = body_of(request, ClaimBody)
        told = {"name": body.name, "phone": body.phone, "address": body.address}
        await winners.claim(activity, viewer.id, body.winner_id, told)
        return answer(ClaimedView())

    def command(name: str, act: Callable[[web.Request, Activity], Awaitable[None]]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            activity = await _lottery(request, activities, Permission.INTERACT)
            await act(request, activity)
            await _audited(request, name, activity)
            return answer(ResultsView.model_validate(await activities.results(activity.id)))

        return handler

    def winner_id(request: web.Request) -> str:
        return request.match_info["winner_id"]

    async def given(request: web.Request, activity: Activity) -> None:
        await winners.hand_over(activity, winner_id(request))

    async def forfeited(request: web.Request, activity: Activity) -> None:
        await winners.forfeit(activity, winner_id(request), body_of(request, ForfeitBody).reason)

    def sheet(name: str, kind: str) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            activity = await _lottery(request, activities, Permission.INTERACT)
            rows = await winners.of_crew(activity)
            data = await asyncio.to_thread(as_csv if name.endswith("csv") else as_xlsx, rows)
            await _audited(request, "export_winners", activity)
            headers = {
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Content-Type": kind,
            }
            return web.Response(body=data, headers=headers)

        return handler

    async def _audited(request: web.Request, act: str, activity: Activity) -> None:
        await audit.write(
            act,
            by=caller(request).id,
            address=address_of(request),
            center_id=activity.center_id,
            target=activity.id,
        )

    path, crew = "/api/v1/activities/{activity_id}", Access.CREW
    winner = f"{path}/winners/{{winner_id}}"
    return [
        Endpoint(
            "POST", f"{path}/pool", take_list, crew, "A draw's list from outside (CSV, XLSX), whole or not at all",
            query=PoolQuery, returns=ListView, upload=("text/csv", XLSX),
        ),
        Endpoint(
            "GET", f"{path}/transcript", transcript, Access.PUBLIC, "A draw's file, for everybody to check",
            download="application/json",
        ),
        Endpoint("POST", f"{path}/claim", claim, Access.PUBLIC, "Claim a prize", body=ClaimBody, returns=ClaimedView),
        Endpoint(
            "GET", f"{path}/winners.csv", sheet("winners.csv", "text/csv; charset=utf-8"), crew, "Winners, CSV",
            download="text/csv",
        ),
        Endpoint("GET", f"{path}/winners.xlsx", sheet("winners.xlsx", XLSX), crew, "Winners, XLSX", download=XLSX),
        Endpoint(
            "POST", f"{winner}/given", command("give_prize", given), crew, "A prize was given", returns=ResultsView
        ),
        Endpoint(
            "POST", f"{winner}/forfeit", command("forfeit_prize", forfeited), crew, "To the next reserve",
            body=ForfeitBody, returns=ResultsView,
        ),
    ]  # fmt: skip


async def _lottery(request: web.Request, activities: Activities, permission: Permission) -> Activity:
    """The lottery in the path, as it stands in memory. Raises Problem."""
    activity = await access_activity(request, activities, permission)
    if activity.kind != "lottery":
        raise Problem(409, "wrong_kind")
    await activities.every(activity.event_id)
    return await activities.get(activity.id) or activity
