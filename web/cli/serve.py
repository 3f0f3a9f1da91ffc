"""`venuecast serve`: run the hub until Ctrl-C."""

from __future__ import annotations

import typer

from config.settings import Settings
from web.cli.running import run_or_exit, stop_signal, told
from web.cli.settings import settings_or_exit
from web.wiring import open_hub


def serve() -> None:
    """Run the hub; Ctrl-C stops it in order."""
    settings = settings_or_exit()
    run_or_exit(_serve(settings), settings.log_format)


async def _serve(settings: Settings) -> None:
    stop = stop_signal()
    async with open_hub(settings) as running:
        lines = await told(running, settings)
        if running.generated_password is not None:
            lines.append(f"  Password  {running.generated_password}   (shown only now)")
        typer.echo("\n".join(["", "Venuecast is running.", *lines, ""]))
        await stop.wait()
