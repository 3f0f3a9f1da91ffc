"""`venuecast serve`: run the hub until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal

import typer
import uvloop

from config.backing import BackingError
from config.embedded.child import ChildError
from config.logs import set_up_logs
from config.settings import Settings
from web.cli.settings import settings_or_exit
from web.wiring import Running
from web.wiring import serve as serve_hub


def serve() -> None:
    """Run the hub; Ctrl-C stops it in order."""
    settings = settings_or_exit()
    set_up_logs(settings.log_format)
    try:
        uvloop.run(_serve(settings))
    except (BackingError, ChildError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"✗ {error}. `venuecast check` says more.", err=True)
        raise typer.Exit(1) from None


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve_hub(settings, _say, stop)


def _say(running: Running) -> None:
    lines = ["", "Venuecast is running.", f"  Console   {running.url}/console/"]
    if running.generated_password is not None:
        lines += [f"  Sign in   {running.admin_user}", f"  Password  {running.generated_password}   (shown only now)"]
    else:
        lines += [f"  Sign in   {running.admin_user}"]
    lines += [f"  Push to   rtmp://<this machine>:{running.rtmp_port}/live   with a feed's stream key", ""]
    typer.echo("\n".join(lines))
