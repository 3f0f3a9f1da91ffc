"""`python -m bench.draw`: 100,000 entries into 50 winners with their transcript, and the transcript computed again."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from interaction.activities.lottery.commitment import person, ticket
from interaction.activities.lottery.transcript import Drawn, Header, make
from web.cli.verify_draw import problems

ENTRIES, WINNERS = 100_000, 50
BAR_SECONDS = 2.0
ResultT = TypeVar("ResultT")


def timed(act: Callable[[], ResultT]) -> tuple[ResultT, float]:
    began = time.perf_counter()
    result = act()
    return result, time.perf_counter() - began


def main() -> None:
    chance = random.Random(1)
    lines = [f"{ticket('salt', str(number))}/{person('salt', str(number // 3))}" for number in range(ENTRIES)]
    chance.shuffle(lines)
    counts = (1, 4, 15, 30)
    assert sum(counts) == WINNERS
    prizes = [
        {"id": f"p{at}", "name": "奖", "count": count, "value": 0, "reserves": 5, "again": False}
        for at, count in enumerate(counts)
    ]
    header = Header("a", "e", "bench", "", "", "")
    rules: dict[str, Any] = {"prizes": prizes}

    def draw() -> Drawn:
        order = [str(prize["id"]) for prize in prizes]
        return make(header, rules, order, "5" * 64, sorted(lines), {"kind": "witness", "value": "42"})

    drawn, drawing = timed(draw)
    wrong, verifying = timed(lambda: problems(drawn.text))
    assert not wrong, wrong
    print(f"drawn with transcript {drawing:.3f} s, verified {verifying:.3f} s, {len(drawn.text):,} characters")
    print(f"bar: {BAR_SECONDS} s each")
    sys.exit(drawing > BAR_SECONDS or verifying > BAR_SECONDS)


if __name__ == "__main__":
    main()
