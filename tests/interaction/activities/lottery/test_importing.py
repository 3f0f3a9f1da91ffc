"""Lists from outside: every fault by its line, nothing unreadable gets through, names and numbers are masked."""

from __future__ import annotations

import random

import pytest

from interaction.activities.lottery import masking
from interaction.activities.lottery.importing import MAX_PROBLEMS, Unreadable, read

HEAD = "发票号码,姓名,手机,商户,金额,日期\n"


def faults(text: str, **caps: int) -> list[tuple[int, str]]:
    return [(bad.line, bad.code) for bad in read((HEAD + text).encode(), **caps).problems]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",张三,,,,", "missing"),
        ("1,张三,12a,,,", "bad_phone"),
        ("1,张三,,,-5,", "bad_amount"),
        ("1,张三,,,1.234,", "bad_amount"),
        ("1,张三,,,NaN,", "bad_amount"),
        ("1,张三,,,1e999999,", "bad_amount"),
        ("1,张三,,,,2026-13-01", "bad_date"),
        ("1,张三,,,,明天", "bad_date"),
        (f"1,{'三' * 101},,,,", "too_long"),
    ],
)
def test_a_bad_line_is_named(line: str, code: str) -> None:
    assert faults(f"0,李四,,,10,2026/1/2\n\n{line}\n") == [(4, code)]


def test_caps_per_person_and_merchant() -> None:
    assert faults("1,张三,,甲,,\n2,张三,,甲,,\n3,李四,,甲,,\n", per_person=1) == [(3, "person_cap")]
    assert faults("1,张三,,甲,,\n2,张三,,乙,,\n3,李四,,甲,,\n", per_merchant=1) == [(4, "merchant_cap")]


def test_amounts_are_fen_and_days_are_days() -> None:
    [row] = read((HEAD + '007,张三,138 0000-1234,甲,"1,234.5",20260102\n').encode()).rows
    assert (row.number, row.phone, row.amount, row.date) == ("007", "13800001234", 123_450, "2026-01-02")


def test_many_faults_are_counted_and_the_first_reported() -> None:
    found = read((HEAD + "1,,,,,\n" * 1000).encode())
    assert (found.problem_count, len(found.problems), len(found.rows)) == (999, MAX_PROBLEMS, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_list"),
        (HEAD.encode(), "empty_list"),
        ("姓名\n张三\n".encode(), "no_number_column"),
        (b"PK\x03\x04", "unreadable_list"),
        (b"number\n\0\n", "unreadable_list"),
        (b"number\n\xff\xff\n", "unreadable_list"),
        (b"number\n" + b'"' + b"x" * 200_000, "unreadable_list"),
    ],
)
def test_no_list_at_all(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read(data)
    assert raised.value.code == code


def test_random_bytes_raise_nothing_else() -> None:
    chance = random.Random(3)
    for _ in range(300):
        data = b"number,holder\n"[: chance.randrange(15)] + chance.randbytes(chance.randrange(200))
        try:
            read(data if chance.random() < 0.5 else b"PK\x03\x04" + data)
        except Unreadable:
            pass


def test_masks() -> None:
    assert [masking.name(text) for text in ("张三", "欧阳修远", " ", "")] == ["张**", "欧**", "**", "**"]
    assert masking.phone("138-0000-1234") == "138****1234"
    assert (masking.phone("110"), masking.phone("")) == ("****", "")
