"""What fuzzing has found stays harmless: the kept inputs of each layer, again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rtmp_layers import LAYERS, run, seeds

CORPUS = Path(__file__).parents[2] / "data" / "rtmp" / "corpus"


@pytest.mark.parametrize("layer", LAYERS)
def test_kept_inputs_bring_nothing_down(layer: str) -> None:
    inputs = [path.read_bytes() for path in sorted((CORPUS / layer).iterdir())]
    assert inputs
    for data in inputs + seeds()[layer]:
        run(layer, data)


@pytest.mark.parametrize("layer", LAYERS)
def test_honest_inputs_cut_anywhere_bring_nothing_down(layer: str) -> None:
    for data in seeds()[layer]:
        for end in range(0, len(data), max(1, len(data) // 300)):
            run(layer, data[:end])
