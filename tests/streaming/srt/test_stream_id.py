"""Every streamid dialect that encoders use finds the key (case 19)."""

from __future__ import annotations

import pytest

from streaming.srt.stream_id import Denied, parse_stream_id

KEY = "k3yOfTheMainCamera_1"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"publish:{KEY}",
        f"publish:{KEY}:user:password",
        f"publish:live/{KEY}",
        f"live/{KEY}",
        f"/live/{KEY}",
        f"input/live/{KEY}",
        f"#!::r={KEY},m=publish",
        f"#!::m=publish,r={KEY}",
        f"#!::h=live.example.cn,r=live/{KEY},m=publish",
        f"#!::r=live/livestream?secret={KEY},m=publish",
        f"#!::u={KEY},m=publish",
        f"#!::r={KEY}",
        f"live?key={KEY}",
        f"publish%3A{KEY}",
        f"  {KEY}\n",
    ],
)
def test_case_19_the_key_is_found_in_every_dialect(text: str) -> None:
    assert parse_stream_id(text) == KEY


@pytest.mark.parametrize("text", [f"read:{KEY}", f"request:{KEY}", f"#!::r={KEY},m=request", f"output/live/{KEY}"])
def test_asking_to_play_is_told_apart(text: str) -> None:
    assert parse_stream_id(text) is Denied.NOT_A_PUSH


@pytest.mark.parametrize("text", ["", "live", "publish:", "#!::", "#!::r=,m=publish", "../../etc/passwd", "x" * 80])
def test_what_holds_no_key_is_refused(text: str) -> None:
    assert parse_stream_id(text) is Denied.NO_KEY
