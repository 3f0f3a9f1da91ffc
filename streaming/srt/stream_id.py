"""The stream key of a streamid, in every dialect that encoders are told to use (STREAMING case 19)."""

from __future__ import annotations

from enum import Enum, auto
from urllib.parse import parse_qs, unquote

from streaming.rtmp.command import APPLICATION, KEY_PATTERN


class Denied(Enum):
    """Why a streamid names no feed to push to."""

    NO_KEY = auto()
    NOT_A_PUSH = auto()
    """It asks to play."""


_PUBLISH = {"publish", "push", "input", "bidirectional"}
_PLAY = {"request", "read", "play", "output"}
_STANDARD = "#!::"


def parse_stream_id(text: str) -> str | Denied:
    """The key in `publish:KEY` (with user and password behind it), `#!::r=KEY,m=publish` (SRT access control, with a
    path or a query in r), `live/KEY`, `input/live/KEY`, a query `?key=KEY`, or the bare key."""
    text = unquote(text.strip())
    if text.startswith(_STANDARD):
        return _standard(text.removeprefix(_STANDARD))
    first, colon, rest = text.partition(":")
    if colon and first.lower() in _PLAY:
        return Denied.NOT_A_PUSH
    if colon and first.lower() in _PUBLISH:
        text = rest.partition(":")[0]  # MediaMTX: publish:path:user:password
    elif colon:
        text = first
    if text.lower().startswith("output/"):
        return Denied.NOT_A_PUSH
    return _key(text)


def _standard(text: str) -> str | Denied:
    fields = dict(pair.partition("=")[::2] for pair in text.split(",") if "=" in pair)
    if fields.get("m", "publish").lower() not in _PUBLISH:
        return Denied.NOT_A_PUSH
    found = _key(fields.get("r", ""))
    return found if isinstance(found, str) else _key(fields.get("u", ""))


def _key(text: str) -> str | Denied:
    path, _, query = text.partition("?")
    named = [value for name in ("key", "secret", "streamkey") for value in parse_qs(query).get(name, [])]
    for candidate in (*named, path.strip("/").rpartition("/")[2]):
        if candidate != APPLICATION and KEY_PATTERN.fullmatch(candidate):
            return candidate
    return Denied.NO_KEY
