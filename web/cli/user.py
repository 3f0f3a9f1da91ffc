"""`venuecast user …`: accounts from the command line, for the day when nobody can sign in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer

from config.backing import BackingError, open_database
from config.clock import SystemClock
from config.embedded.child import ChildError
from web.accounts.actions import AccountError, Accounts
from web.accounts.model import Crew, Role
from web.accounts.store import AccountStore, UsernameTaken
from web.auth.sessions import Sessions, signing_secret
from web.cli.settings import settings_or_exit

app = typer.Typer(no_args_is_help=True, help="Accounts: add, passwd, list, disable, enable.")


@asynccontextmanager
async def _accounts() -> AsyncIterator[Accounts]:
    settings = settings_or_exit()
    try:
        async with open_database(settings.store) as database:
            clock = SystemClock()
            secret = await asyncio.to_thread(signing_secret, settings.web.data_dir)
            yield Accounts(AccountStore(database), Sessions(database, clock, secret), clock)
    except (BackingError, ChildError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(1) from None


async def _known(accounts: Accounts, username: str) -> Crew:
    crew = await accounts.store.by_username(username)
    if crew is None:
        typer.echo(f"✗ There is no account {username}.", err=True)
        raise typer.Exit(1)
    return crew


@app.command()
def add(username: str, name: str = "", role: Role = Role.DIRECTOR, platform_admin: bool = False) -> None:
    """A new account with a one-time password, in the first center."""

    async def run() -> None:
        async with _accounts() as accounts:
            centers = await accounts.store.centers()
            roles: dict[str, tuple[Role, ...]] = {centers[0].id: (role,)} if centers and not platform_admin else {}
            try:
                _, password = await accounts.invite(username, name or username, roles, platform_admin=platform_admin)
            except UsernameTaken:
                typer.echo(f"✗ The user name {username} is taken.", err=True)
                raise typer.Exit(1) from None
            typer.echo(f"{username}  one-time password: {password}")

    asyncio.run(run())


@app.command()
def passwd(username: str) -> None:
    """Ask for a new password; every session of the account ends."""
    password = typer.prompt("New password", hide_input=True, confirmation_prompt=True)

    async def run() -> None:
        async with _accounts() as accounts:
            try:
                await accounts.set_password(await _known(accounts, username), password)
            except AccountError:
                typer.echo("✗ The password is too short: use 10 characters or more.", err=True)
                raise typer.Exit(1) from None
            typer.echo(f"The password of {username} has changed.")

    asyncio.run(run())


@app.command("list")
def list_() -> None:
    """Everybody, with roles."""

    async def run() -> None:
        async with _accounts() as accounts:
            for crew in await accounts.store.crew_of(None):
                held = sorted({role.value for roles in crew.roles.values() for role in roles})
                rights = "platform admin" if crew.platform_admin else ", ".join(held)
                typer.echo(f"{crew.username:24} {crew.name:20} {rights}{'  (disabled)' if crew.disabled else ''}")

    asyncio.run(run())


@app.command()
def disable(username: str) -> None:
    """Lock an account and end its sessions."""
    _set_disabled(username, True)


@app.command()
def enable(username: str) -> None:
    """Unlock an account."""
    _set_disabled(username, False)


def _set_disabled(username: str, disabled: bool) -> None:
    async def run() -> None:
        async with _accounts() as accounts:
            crew = await _known(accounts, username)
            try:
                await accounts.change(crew, disabled=disabled)
            except AccountError:
                typer.echo("✗ This is the last administrator.", err=True)
                raise typer.Exit(1) from None
            typer.echo(f"{username} is {'disabled' if disabled else 'enabled'}.")

    asyncio.run(run())
