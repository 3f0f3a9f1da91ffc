"""The command line's commands, a module each."""

from __future__ import annotations

import typer

from web.cli.backup import backup, restore
from web.cli.check import check
from web.cli.demo import demo
from web.cli.recount import check_ledger, recount
from web.cli.serve import serve
from web.cli.user import app as user
from web.cli.verify_draw import verify_draw

app = typer.Typer(
    name="venuecast", no_args_is_help=True, add_completion=False, help="Live streaming for media centres."
)
for command in (serve, demo, check, backup, restore, recount, check_ledger, verify_draw):
    app.command()(command)
app.add_typer(user, name="user")


@app.callback()
def _root() -> None:
    """Live-streaming and interaction hub."""
