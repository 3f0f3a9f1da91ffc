"""Ten minutes of fuzzing over the layers of RTMP and FLV. What it reaches is kept in tests/data/rtmp/corpus."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.rtmp_layers import LAYERS, seeds

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

MINUTES = float(os.environ.get("FUZZ_MINUTES", "10"))
CORPUS = Path(__file__).parent.parent / "data" / "rtmp" / "corpus"
MAX_INPUT_BYTES = 4096
KEPT_PER_LAYER = 30
"""Of what reached something new, evenly by size; more would make the checkout heavy."""


def libfuzzer(layer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.long.fuzz_rtmp", layer, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_no_bytes_bring_a_layer_down(layer: str, tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    for number, seed in enumerate(seeds()[layer]):
        (found / f"seed-{number}").write_bytes(seed)
    seconds = round(MINUTES * 60 / len(LAYERS))
    done = libfuzzer(
        layer, str(found), str(CORPUS / layer),
        f"-max_total_time={seconds}", f"-max_len={MAX_INPUT_BYTES}", "-timeout=5", "-rss_limit_mb=2048",
        f"-artifact_prefix={tmp_path}/crash-", "-print_final_stats=1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", done.stderr)
    assert runs is not None and int(runs.group(1)) > 1000
    print(f"{layer}: {runs.group(1)} inputs in {seconds} s")
    keep(layer, sorted(found.iterdir(), key=lambda path: path.stat().st_size))


def keep(layer: str, inputs: list[Path]) -> None:
    directory = CORPUS / layer
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        if not old.name.startswith("crash-"):
            old.unlink()
    for number, path in enumerate(inputs[:: len(inputs) // KEPT_PER_LAYER + 1]):
        (directory / f"{number:02}").write_bytes(path.read_bytes())
