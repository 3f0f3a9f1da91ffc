"""The draw is even, names nobody twice, and is the same from the server, the command line and the browser."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from interaction.activities.lottery.commitment import canonical
from interaction.activities.lottery.draw import Numbers, Tier, draw, holder
from interaction.activities.lottery.transcript import Header, make
from web.cli.verify_draw import problems

FRONTEND = Path(__file__).parents[4] / "web" / "frontend"
JUDGE = """
const fs = require("node:fs");
const { createRequire } = require("node:module");
const typescript = createRequire(process.argv[1] + "/package.json")("typescript");
require.extensions[".ts"] = (module, file) => {
  const options = { module: typescript.ModuleKind.CommonJS, target: typescript.ScriptTarget.ES2017 };
  const compiled = typescript.transpileModule(fs.readFileSync(file, "utf8"), { compilerOptions: options });
  module._compile(compiled.outputText, file);
};
const { verify } = require(process.argv[1] + "/src/verify/verify.ts");
for (const line of fs.readFileSync(0, "utf8").split("\\n")) if (line) console.log(verify(JSON.parse(line)).field);
"""


def transcript(chance: random.Random, size: int | None = None) -> str:
    size = chance.choice([0, 1, 2, 5, 40]) if size is None else size
    people = [f"{chance.getrandbits(64):016x}" for _ in range(max(1, size // 2))]
    pool = {f"{chance.getrandbits(128):032x}" for _ in range(size)}
    pool = {line if chance.random() < 0.5 else f"{line}/{chance.choice(people)}" for line in pool}
    prizes = [
        {
            "id": f"p{number}",
            "name": chance.choice(["电饭煲", 'Umbrella "n"', "奖\u2028品\t"]),
            "count": chance.randint(1, 5),
            "value": chance.choice([0, 100, 5_000_000]),
            "reserves": chance.randint(0, 3),
            "again": chance.random() < 0.3,
        }
        for number in range(chance.randint(1, 4))
    ]
    order = [str(prize["id"]) for prize in prizes]
    chance.shuffle(order)
    header = Header("a", "e", "摇奖 <b>", "2026-12-01T00:00:00Z", "2026-12-01T00:01:00Z", "2026-12-01T00:02:00Z")
    outside: dict[str, Any] = {"kind": "witness", "source": "上证指数", "value": str(chance.random()), "round": None}
    return make(header, {"prizes": prizes}, order, f"{chance.getrandbits(256):064x}", sorted(pool), outside).text


def in_node(texts: list[str]) -> list[str]:
    sent = "\n".join(json.dumps(text) for text in texts)
    command = ["node", "-e", JUDGE, str(FRONTEND)]
    done = subprocess.run(command, input=sent, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.split("\n")[: len(texts)]


def test_server_command_line_and_browser_agree_on_a_thousand_draws() -> None:
    chance = random.Random(20261201)
    texts = [transcript(chance) for _ in range(1000)]
    assert [problems(text) for text in texts] == [[]] * 1000
    assert in_node(texts) == [""] * 1000


@pytest.mark.parametrize("seed", range(5))
def test_one_changed_byte_names_its_field(seed: int) -> None:
    chance = random.Random(seed)
    content = json.loads(transcript(chance, 40))
    other = {"0": "1"}

    def turned(text: str) -> str:
        at = chance.randrange(len(text))
        return text[:at] + other.get(text[at], "0") + text[at + 1 :]

    def with_(**changed: Any) -> str:
        return canonical(content | changed)

    prizes, winners, pool = content["rules"]["prizes"], content["winners"], content["pool"]
    renamed = [prizes[0] | {"name": turned(prizes[0]["name"])}, *prizes[1:]]
    at = chance.randrange(len(winners))
    stolen = winners[at] | {"line": turned(winners[at]["line"])}
    line = chance.randrange(len(pool))
    cases = {
        "rules": with_(rules={"prizes": renamed}),
        "pool": with_(pool=[*pool[:line], turned(pool[line]), *pool[line + 1 :]]),
        "order": with_(order=[turned(content["order"][0]), *content["order"][1:]]),
        "seed": with_(seed=turned(content["seed"])),
        "outside": with_(outside=content["outside"] | {"value": turned(content["outside"]["value"])}),
        f"winners[{at}]": with_(winners=[*winners[:at], stolen, *winners[at + 1 :]]),
        "digest, title, activity_id, event_id, opened_at, closed_at, drawn_at": with_(title="摇奖"),
        "file": with_().replace("{", "{ ", 1),
    }
    assert [problems(text)[0][0] for text in cases.values()] == list(cases)
    assert in_node(list(cases.values())) == list(cases)


def test_a_swapped_winner_with_a_fresh_digest_is_found() -> None:
    """Whoever forges the file computes its digest too; the draw itself tells."""
    content = json.loads(transcript(random.Random(7), 40))
    del content["digest"]
    content["winners"][0]["line"] = next(one for one in content["pool"] if one != content["winners"][0]["line"])
    content["digest"] = "0" * 64
    assert problems(canonical(content))[0][0] == "winners[0]"


def test_every_line_has_the_same_chance() -> None:
    """Chi-square over fixed seeds: 19 degrees of freedom, 43.8 is passed by one in a thousand."""
    pool = [f"{number:02}" for number in range(20)]
    counts = dict.fromkeys(pool, 0)
    for seed in range(4000):
        [winner] = draw(seed.to_bytes(4, "big"), pool, [Tier("p", 1)])
        counts[winner.line] += 1
    assert sum((count - 200) ** 2 / 200 for count in counts.values()) < 43.8


def test_later_places_are_even_too() -> None:
    pool = [f"{number:02}" for number in range(10)]
    counts = dict.fromkeys(pool, 0)
    for seed in range(4000):
        counts[draw(seed.to_bytes(4, "big"), pool, [Tier("a", 3), Tier("b", 1, 1)])[-1].line] += 1
    assert sum((count - 400) ** 2 / 400 for count in counts.values()) < 27.9


def test_the_order_of_the_input_changes_nothing() -> None:
    pool = [f"{number:02}" for number in range(50)]
    rules = {"prizes": [{"id": "p", "count": 3, "reserves": 2, "again": False}]}
    header = Header("a", "e", "t", "", "", "")
    texts = set()
    for seed in range(20):
        random.Random(seed).shuffle(pool)
        texts.add(make(header, rules, ["p"], "7" * 64, pool, {"kind": "none"}).text)
    assert len(texts) == 1


def test_numbers_stay_below() -> None:
    numbers = Numbers(b"key")
    for n in (1, 2, 3, 7, 1000, 2**47 + 1):
        assert all(0 <= numbers.below(n) < n for _ in range(50))


def test_nobody_wins_twice_unless_the_rules_say_so() -> None:
    pool = sorted(f"{number:03}/{number % 30:02}" for number in range(90))
    for seed in range(200):
        winners = draw(bytes([seed]), pool, [Tier("a", 5, 3), Tier("b", 10, 4)])
        people = [holder(winner.line) for winner in winners]
        assert len(people) == len(set(people)) == 22
    twice = draw(b"k", pool[:3], [Tier("a", 3), Tier("b", 3, again=True), Tier("c", 1)])
    assert [winner.prize for winner in twice] == ["a"] * 3 + ["b"] * 3
    assert len(draw(b"k", pool, [Tier("a", 100)])) == 30  # as many as there are people
