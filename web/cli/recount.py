"""`venuecast recount` and `check-ledger`: results derived again from what people did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from config.backing import BackingError, open_database
from config.embedded.child import ChildError
from config.mongodb import Database
from interaction.activities.vote.rules import rules_of
from interaction.activity import State
from interaction.store.activities import ActivityStore
from interaction.store.ballots import BallotStore
from interaction.store.ledger import LedgerStore
from web.cli.settings import settings_or_exit


@asynccontextmanager
async def _database() -> AsyncIterator[Database]:
    try:
        async with open_database(settings_or_exit().store) as database:
            yield database
    except (BackingError, ChildError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(1) from None


def recount(event_id: Annotated[str, typer.Argument(help="Of the event whose votes are counted again")]) -> None:
    """Count every ballot of an event's votes again and compare with what was published."""

    async def run() -> bool:
        async with _database() as database:
            activities, ballots = ActivityStore(database), BallotStore(database)
            votes = [activity for activity in await activities.of_event(event_id) if activity.kind == "vote"]
            if not votes:
                typer.echo("This event has no votes.")
            agrees = True
            for vote in votes:
                if vote.state is State.DRAFT:
                    continue
                accepted, _, total, held = await ballots.count_options(vote.id)
                counts = {option: accepted.get(option, 0) for option in rules_of(vote).options}
                typer.echo(f"{vote.title}  ({vote.id}, {vote.state.value})")
                typer.echo(f"  ballots: {total} accepted, {held} held")
                texts = {option["id"]: option["text"] for option in vote.rules["options"]}
                for option, count in counts.items():
                    typer.echo(f"  {count:>9}  {texts[option]}")
                stored = vote.facts.get("tally")
                if stored is None:
                    typer.echo("  still open: nothing was published to compare with")
                    continue
                published = {option["id"]: option["count"] for option in stored["options"]}
                same = published == counts and (stored["total"], stored["held"]) == (total, held)
                typer.echo("  ✓ agrees with what was published" if same else f"  ✗ published was {stored}")
                agrees = agrees and same
            return agrees

    if not asyncio.run(run()):
        raise typer.Exit(1)


def check_ledger() -> None:
    """Sum every line of the points ledger: nothing is made from nothing, and nobody is below zero."""

    async def run() -> bool:
        async with _database() as database:
            sums = await LedgerStore(database).sums()
            below = {account: balance for account, balance in sums.items() if "/viewer/" in account and balance < 0}
            typer.echo(f"{len(sums)} accounts, sum of all: {sum(sums.values())}")
            for account, balance in below.items():
                typer.echo(f"✗ {account} is at {balance}")
            return not below and sum(sums.values()) == 0

    if not asyncio.run(run()):
        raise typer.Exit(1)
    typer.echo("✓ the ledger is sound")
