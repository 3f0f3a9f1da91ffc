"""`venuecast verify-draw FILE`: compute a draw again from its published file.

Stands alone: nothing of the hub is imported, so that no error of the hub's can hide here. The rules it follows are
written in docs/lottery.md.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from pathlib import Path
from typing import Any

import typer

_PARTS = {
    "format": str,
    "activity_id": str,
    "event_id": str,
    "title": str,
    "opened_at": str,
    "closed_at": str,
    "drawn_at": str,
    "rules": dict,
    "order": list,
    "seed": str,
    "pool": list,
    "outside": dict,
    "commitments": dict,
    "winners": list,
    "digest": str,
}
_EXACT = 2**53


def verify_draw(file: Path = typer.Argument(help="The transcript: a JSON file", exists=True, dir_okay=False)) -> None:
    """Compute a published draw again, and say which field is wrong if one is."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        text = ""
    wrong = problems(text)
    if wrong:
        for field, zh, en in wrong:
            typer.echo(f"✗ {field}: {zh} {en}")
        raise typer.Exit(1)
    content = json.loads(text)
    typer.echo(
        f"✓ 抽奖可以重算，结果一致。The draw computes to the same result: {content['title']}, "
        f"{len(content['pool'])} → {sum(not one['reserve'] for one in content['winners'])}"
    )
    for name in ("rules", "order", "seed", "pool"):
        typer.echo(f"  {name}: {content['commitments'][name]}")
    typer.echo(
        "  请与开奖前公布的承诺值对照。Compare these with what was published before the draw: the file cannot do that."
    )


def problems(text: str) -> list[tuple[str, str, str]]:
    """(field, Chinese, English) of what is wrong; empty when the draw holds."""
    content = _read(text)
    if content is None:
        return [("file", "不是规范的抽奖记录文件。", "This is no canonical transcript.")]
    for name, kind in _PARTS.items():
        if not isinstance(content.get(name), kind):
            return [(name, "缺少此项或类型不对。", "This field is missing or of a wrong type.")]
    wrong = []
    if content["format"] != "venuecast-draw-1":
        wrong.append(("format", "不认识的格式。", "An unknown format."))
    pool: list[Any] = content["pool"]
    if not all(isinstance(line, str) and line.isascii() for line in pool) or any(
        former >= latter for former, latter in itertools.pairwise(pool)
    ):
        wrong.append(("pool", "奖池未排序或有重复。", "The pool is not sorted, or a line stands twice."))
        return wrong
    made = {
        "rules": _sha(_canonical(content["rules"])),
        "order": _sha(_canonical(content["order"])),
        "seed": _sha("seed:" + content["seed"]),
        "pool": _sha("\n".join(pool)),
        "outside": _sha(_canonical(content["outside"])),
    }
    for name, value in made.items():
        if content["commitments"].get(name) != value:
            wrong.append((name, "与事先公布的承诺值不符。", "It is not what was committed to."))
    if wrong:
        return wrong
    try:
        expected = _draw(content, made)
    except (KeyError, TypeError, ValueError):
        return [("rules", "无法按此规则抽奖。", "These rules cannot be drawn by.")]
    found = content["winners"]
    for at in range(max(len(found), len(expected))):
        if at >= len(found) or at >= len(expected) or found[at] != expected[at]:
            return [(f"winners[{at}]", "中奖结果与重算不符。", "This is not the winner that the draw computes to.")]
    rest = {name: value for name, value in content.items() if name != "digest"}
    if _sha(_canonical(rest)) != content["digest"]:
        where = "digest, title, activity_id, event_id, opened_at, closed_at, drawn_at"
        return [(where, "其中一项被改动。", "One of these was changed.")]
    return []


def _read(text: str) -> dict[str, Any] | None:
    """The content, if the file is in its one form: nothing stands twice, nothing is hidden."""

    def no_float(written: str) -> float:
        raise ValueError(written)

    try:
        content = json.loads(text, parse_float=no_float, parse_constant=no_float)
        if not isinstance(content, dict) or not _exact(content) or _canonical(content) != text.strip("\r\n\t "):
            return None
    except (ValueError, RecursionError):
        return None
    return content


def _exact(value: object) -> bool:
    if isinstance(value, dict):
        return all(key.isascii() and _exact(one) for key, one in value.items())
    if isinstance(value, list):
        return all(_exact(one) for one in value)
    return not isinstance(value, int) or -_EXACT < value < _EXACT


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _draw(content: dict[str, Any], made: dict[str, str]) -> list[dict[str, Any]]:
    secret = bytes.fromhex(content["seed"])
    words = ["venuecast-draw-1", made["rules"], made["order"], made["pool"], made["outside"]]
    key = hmac.digest(secret, "\n".join(words).encode(), "sha256")
    prizes = {prize["id"]: prize for prize in content["rules"]["prizes"]}
    if len(content["order"]) != len(prizes):
        raise ValueError
    counter = 0
    winners: list[dict[str, Any]] = []
    holders: set[str] = set()
    for reserve in (False, True):
        for name in content["order"]:
            prize = prizes[name]
            wanted = prize["reserves"] if reserve else prize["count"]
            out = set() if prize["again"] and not reserve else set(holders)
            left = list(content["pool"]) if wanted else []
            place = 0
            while place < wanted and left:
                room = 2**48 // len(left) * len(left)
                number = room
                while number >= room:
                    number = int(hmac.digest(key, b"%d" % counter, "sha256")[:6].hex(), 16)
                    counter += 1
                at = number % len(left)
                left[at], left[-1] = left[-1], left[at]
                line = left.pop()
                whose = line.split("/")[-1]
                if whose in out:
                    continue
                out.add(whose)
                holders.add(whose)
                place += 1
                winners.append({"prize": name, "place": place, "reserve": reserve, "line": line})
    return winners
