"""Writes `ordinary.txt` anew: 5,000 different things that viewers of a county's live stream say, nothing held against.

Real county names, real surnames, and sentences written for it in `material.txt`, joined in order. Some have parts
of listed words on purpose (消毒品牌, 黄色情侣, 门外挂着, 大麻花, 读博), as people do without thinking of it.
"""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

HERE = Path(__file__).parent
ENDINGS = ["", "！", "👍", "，支持"]


def material() -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for line in (HERE / "material.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            parts[line[1:-1]] = []
        else:
            parts[list(parts)[-1]].append(line)
    return parts


def sentences() -> list[str]:
    """5,000 of them, no two alike."""
    parts = material()
    county = [line.format(c=name) for line in parts["about a county"] for name in parts["counties"]]
    names = [f"{surname}{given}" for given in parts["given"] for surname in parts["surnames"]]
    people = [line.format(n=name) for line, name in zip(cycle(parts["about people"]), names, strict=False)]
    plain = [line + ending for ending in ENDINGS for line in parts["plain"]]
    return list(dict.fromkeys([*plain, *islice(people, 0, None, 3), *county]))[:5000]


if __name__ == "__main__":
    (HERE / "ordinary.txt").write_text("\n".join(sentences()) + "\n", "utf-8")
