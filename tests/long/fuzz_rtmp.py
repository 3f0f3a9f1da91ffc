"""Fuzz one layer with atheris: `python -m tests.long.fuzz_rtmp LAYER CORPUS_DIRECTORY [libFuzzer options]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["streaming"]):
    from tests.support import rtmp_layers


def main() -> None:
    layer = sys.argv[1]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: rtmp_layers.run(layer, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
