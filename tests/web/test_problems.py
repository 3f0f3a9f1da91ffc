"""The words of problems, and whose language they are in."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import make_mocked_request

from web.problems import TEXTS, prefers_chinese


def test_every_problem_has_both_languages_with_the_same_values() -> None:
    for code, (chinese, english) in TEXTS.items():
        if "{zh}" in chinese and "{en}" in english:
            continue  # the sentence itself is a value, in both languages
        assert re.findall(r"\{\w+\}", chinese) == re.findall(r"\{\w+\}", english), code
        assert re.search("[一-鿿]", chinese) and not re.search("[一-鿿]", english), code


@pytest.mark.parametrize(
    ("accept", "chinese"),
    [
        ("", True),
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en-GB,en;q=0.9,zh;q=0.8", False),
        ("en", False),
        ("en,zh", False),
        ("zh,en", True),
        ("en;q=0.5, zh;q=0.9", True),
        ("fr,en;q=0.3", False),
        ("fr", True),
        ("en;q=x", True),
        ("*", True),
        ("english", True),
    ],
)
def test_the_reader_is_asked_for_the_language(accept: str, chinese: bool) -> None:
    request = make_mocked_request("GET", "/", headers={"Accept-Language": accept})
    assert prefers_chinese(request) is chinese
