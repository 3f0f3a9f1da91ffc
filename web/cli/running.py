"""What `serve` and `demo` share: running to the end with plain words for what went wrong, Ctrl-C, and the addresses."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine

import typer
import uvloop

from config.backing import BackingError
from config.embedded.child import ChildError
from config.logs import set_up_logs
from config.settings import Settings
from web.addresses import addresses
from web.urls import Urls
from web.wiring import Running

HURRIED = 130
"""What a shell expects of a process that was interrupted."""


def run_or_exit(main: Coroutine[None, None, None], log_format: str) -> None:
    """Run until it ends; errors of start-up become one line and exit code 1."""
    set_up_logs(log_format)
    try:
        uvloop.run(main)
    except (BackingError, ChildError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"✗ {error}. `venuecast check` says more.", err=True)
        raise typer.Exit(1) from None


def stop_signal() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM. A second one ends the process at once: what was acknowledged is durable,
    and the embedded servers end with their parent."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def asked() -> None:
        stop.set()
        typer.echo("\nStopping in order. Ctrl-C again hurries.")
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, lambda *_: os._exit(HURRIED))  # works while the loop is held up, too

    for number in numbers:
        loop.add_signal_handler(number, asked)
    return stop


async def told(running: Running, settings: Settings) -> list[str]:
    """The lines that tell where to sign in and where to push."""
    tls, public = settings.web.tls_cert is not None, settings.web.public_url
    found = await addresses(running.http_port, tls=tls, public_url=public)
    reachable = [address.url for address in found if address.kind in ("public", "network") and address.answers]
    bases = reachable or [running.url]
    urls = Urls(public, running.rtmp_port, settings.streaming.srt_port)
    lines = [f"  Console   {running.url}/console/"]
    lines += [f"            {base}/console/" for base in bases if base != running.url]
    lines.append(f"  Sign in   {running.admin_user}")
    pushes = dict.fromkeys(urls.rtmp_server(base) for base in bases)
    head = "  Push to   "
    for push in pushes:
        lines.append(f"{head}{push}   with a feed's stream key")
        head = " " * len(head)
    return lines
