"""Commands, and the one place that finds the stream key."""

from __future__ import annotations

import pytest

from streaming.rtmp import amf0
from streaming.rtmp.command import KEY_PATTERN, encoder_name, parse_command, stream_key
from streaming.rtmp.errors import RemoteProtocolError

KEY = "0123456789abcdefghjkmnpq"


@pytest.mark.parametrize(
    ("app", "tc_url", "name"),
    [
        ("live", "rtmp://hub/live", KEY),  # OBS, ffmpeg
        ("live", "rtmp://hub/live", f"{KEY}?width=1280&height=720"),
        ("live", "rtmp://hub/live", f"/{KEY}"),
        ("live", "rtmp://hub/live", f"{KEY}/"),
        (f"live/{KEY}", f"rtmp://hub/live/{KEY}", ""),  # the whole address in the server field
        (f"live/{KEY}", f"rtmp://hub/live/{KEY}", "live"),
        (f"live/{KEY}/", f"rtmp://hub/live/{KEY}/", ""),
        ("live", f"rtmp://hub/live?key={KEY}", "live"),
        (f"live?streamkey={KEY}", f"rtmp://hub/live?streamkey={KEY}", "stream"),
        ("live", "rtmp://hub/live", f"camera?key={KEY}"),
        ("live/", "rtmp://hub:1935/live/", KEY),
        ("", "rtmp://hub", KEY),
    ],
)
def test_case_14_the_key_is_found_wherever_the_encoder_put_it(app: str, tc_url: str, name: str) -> None:
    assert stream_key(app, tc_url, name) == KEY


@pytest.mark.parametrize("name", ["", "live", "a", "..", "short", "x" * 65])
def test_case_14_what_does_not_look_like_a_key_is_none(name: str) -> None:
    assert stream_key("live", "rtmp://hub/live", name) is None


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a'; drop table feeds;--",
        'key"with"quotes',
        "key with spaces",
        "键键键键键键键键",
        "%2e%2e%2fsecret.key",
        "a\x00b\x00c\x00d\x00",
    ],
)
def test_case_18_names_that_mean_harm_are_no_keys(name: str) -> None:
    found = stream_key("live", "rtmp://hub/live", name)
    assert found is None or KEY_PATTERN.fullmatch(found)
    assert found is None or not set(found) & set("./\\'\" \x00%")


def test_case_18_an_address_that_is_none_is_no_crash() -> None:
    assert stream_key("live", "rtmp://[broken", "x") is None


def test_amf3_commands_are_amf0_behind_a_byte() -> None:
    body = amf0.encode("connect", 1.0, {"app": "live"})
    assert parse_command(b"\x00" + body, amf3=True) == parse_command(body)


@pytest.mark.parametrize("body", [b"", amf0.encode(7.0), amf0.encode(None), amf0.encode({"name": "connect"})])
def test_a_command_without_a_name_is_an_error(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_command(body)


@pytest.mark.parametrize("transaction", [None, "one", True, {}])
def test_an_odd_transaction_is_taken_as_none(transaction: amf0.Value) -> None:
    assert parse_command(amf0.encode("connect", transaction)).transaction == 0.0


def test_case_17_the_encoders_name_is_cleaned_and_bounded() -> None:
    assert encoder_name({"flashVer": "FMLE/3.0\n\x1b[31m"}, {}) == "FMLE/3.0[31m"
    assert encoder_name({"flashVer": "FMLE/3.0"}, {"encoder": "obs-output 30.1"}) == "obs-output 30.1"
    assert len(encoder_name({}, {"encoder": "x" * 5000})) == 120
    assert encoder_name({"flashVer": 7.0}, {"encoder": None}) == ""
