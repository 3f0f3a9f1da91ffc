"""`venuecast check`: what is wrong with settings and machine, in plain words."""

from __future__ import annotations

import asyncio

import typer

from config.diagnosis import diagnose
from web.cli.settings import settings_or_exit


def check() -> None:
    """Look at settings, ports, disk, binaries, databases and certificate."""
    findings = asyncio.run(diagnose(settings_or_exit()))
    for finding in findings:
        typer.echo(f"{'✓' if finding.ok else '✗'} {finding.text}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
