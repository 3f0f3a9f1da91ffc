"""Read the settings for a command, or say in plain words what is wrong with them."""

from __future__ import annotations

import os

import typer

from config.settings import Settings, SettingsError, load_settings


def settings_or_exit() -> Settings:
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        for problem in error.problems:
            typer.echo(f"✗ {problem}", err=True)
        raise typer.Exit(2) from None
