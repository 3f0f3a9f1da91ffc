"""`venuecast backup` and `venuecast restore`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import typer

from config.backing import BackingError, open_backing, open_database
from config.embedded.child import ChildError
from web.backup import BackupError, restore_backup, write_backup
from web.cli.settings import settings_or_exit


def backup(file: Path) -> None:
    """Write the whole installation to FILE; the hub may run meanwhile."""
    settings = settings_or_exit()

    async def run() -> int:
        async with open_database(settings.store) as database:
            return await write_backup(database, settings.web.data_dir, file)

    count = _run_or_exit(run)
    typer.echo(f"{file}: {count} documents, {file.stat().st_size / 1e6:.1f} MB")


def restore(file: Path, force: bool = False) -> None:
    """Bring an installation back from FILE; the hub must not run."""
    settings = settings_or_exit()

    async def run() -> int:
        async with open_backing(settings.store) as backing:
            return await restore_backup(backing.database, settings.web.data_dir, file, force=force)

    count = _run_or_exit(run)
    typer.echo(f"Restored {count} documents into {settings.web.data_dir}.")


def _run_or_exit(run: Callable[[], Coroutine[None, None, int]]) -> int:
    try:
        return asyncio.run(run())
    except (BackingError, ChildError, BackupError, OSError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(1) from None
