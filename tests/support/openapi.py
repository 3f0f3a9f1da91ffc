"""Write a running hub's OpenAPI document to a file: `python -m tests.support.openapi FILE`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import urllib3

from tests.support.hub_process import hub_process


def main() -> None:
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, hub_process(Path(directory) / "data") as hub:
        target.write_bytes(urllib3.request("GET", f"{hub.url}/api/v1/openapi.json").data)


if __name__ == "__main__":
    main()
