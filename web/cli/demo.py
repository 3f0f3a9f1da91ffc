"""`venuecast demo`: a hub of its own with a living example event."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import aiohttp
import typer

from config.settings import Settings, load_settings
from web.cli.running import run_or_exit, stop_signal, told
from web.cli.settings import settings_or_exit
from web.demo.cameras import cameras
from web.demo.scene import set_scene
from web.wiring import open_hub


def demo() -> None:
    """Run the hub with an event of two venues and synthetic cameras; Ctrl-C stops it."""
    settings = settings_or_exit()
    directory = settings.web.data_dir / "demo"
    password = _kept_password(directory)
    environ = {**os.environ, "VENUECAST_DATA_DIR": str(directory), "VENUECAST_ADMIN_PASSWORD": password}
    run_or_exit(_demo(load_settings(environ), password), settings.log_format)


async def _demo(settings: Settings, password: str) -> None:
    stop = stop_signal()
    async with open_hub(settings) as running:
        here = f"{'https' if settings.web.tls_cert else 'http'}://127.0.0.1:{running.http_port}"
        try:
            scene = await set_scene(here, running.admin_user, password)
        except aiohttp.ClientError as error:
            typer.echo(f"✗ The demo event cannot be made: {error}", err=True)
            raise typer.Exit(1) from None
        pushes = [f"rtmp://127.0.0.1:{running.rtmp_port}/live/{url.rsplit('/', 1)[1]}" for url in scene.push_urls]
        async with cameras(settings.web.data_dir / "cameras", pushes):
            lines = await told(running, settings)
            watch = f"  Watch     {running.url}/e/{scene.event_id}"
            typer.echo("\n".join(["", "Venuecast demo is running.", watch, *lines, f"  Password  {password}", ""]))
            await stop.wait()


def _kept_password(directory: Path) -> str:
    """The demo's password stays the same from start to start."""
    path = directory / "admin-password"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        directory.mkdir(parents=True, exist_ok=True)
        password = secrets.token_urlsafe(9)
        path.write_text(password)
        path.chmod(0o600)
        return password
