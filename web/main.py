"""The command line: `venuecast serve`, `check`, `user …`, `demo`, `backup`, `restore`."""

from __future__ import annotations

from web.cli import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()
