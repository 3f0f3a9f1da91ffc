"""The command line's commands, a module each."""

from __future__ import annotations

import typer

from web.cli.serve import serve

app = typer.Typer(
    name="venuecast", no_args_is_help=True, add_completion=False, help="Live streaming for media centres."
)
app.command()(serve)


@app.callback()
def _root() -> None:
    """Live-streaming and interaction hub."""
