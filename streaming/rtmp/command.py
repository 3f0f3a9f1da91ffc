"""What a command message asks for, and the one place that finds the stream key in app, tcUrl and name (case 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from streaming.rtmp import amf0
from streaming.rtmp.errors import RemoteProtocolError

APPLICATION = "live"
KEY_PATTERN = re.compile(r"[0-9A-Za-z_-]{8,64}")
"""What a stream key looks like; anything else (dots, slashes, quotes: case 18) is no key."""
MAX_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    transaction: float
    arguments: tuple[amf0.Value, ...]
    """Everything after the transaction id; the command object first."""

    def text(self, index: int) -> str:
        value = self.arguments[index] if len(self.arguments) > index else None
        return value if isinstance(value, str) else ""

    @property
    def properties(self) -> dict[str, amf0.Value]:
        value = self.arguments[0] if self.arguments else None
        return value if isinstance(value, dict) else {}


def parse_command(payload: bytes, *, amf3: bool = False) -> Command:
    """Read a command. An AMF3 command message is AMF0 behind one zero byte. Raises RemoteProtocolError."""
    reader = amf0.Reader(payload[1:] if amf3 and payload[:1] == b"\0" else payload)
    name = reader.read()
    if not isinstance(name, str):
        raise RemoteProtocolError("a command without a name")
    transaction = reader.read() if reader.more() else 0.0
    if isinstance(transaction, bool) or not isinstance(transaction, float | int):
        transaction = 0.0
    return Command(name, float(transaction), tuple(reader.read_all()))


def stream_key(app: str, tc_url: str, name: str) -> str | None:
    """The stream key of a publish, wherever the encoder put it; None when nothing looks like one.

    Tried in order: the published name (its query left out), `key=` or `streamkey=` in its query, the app's last path
    part, and the same in tcUrl. `live` itself is never a key.
    """
    for candidate in _candidates(app, tc_url, name):
        if candidate != APPLICATION and KEY_PATTERN.fullmatch(candidate):
            return candidate
    return None


def _candidates(app: str, tc_url: str, name: str) -> list[str]:
    found: list[str] = []
    for text in (name, app, urlsplit_path(tc_url)):
        path, _, query = text.partition("?")
        last = unquote(path.rstrip("/").rpartition("/")[2])
        if text is name or "/" in path.strip("/"):
            found.append(last)
        fields = parse_qs(query)
        found += [value for field in ("key", "streamkey", "stream_key") for value in fields.get(field, [])]
    return found


def urlsplit_path(url: str) -> str:
    """Path and query of a tcUrl; empty when it is no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def encoder_name(properties: dict[str, amf0.Value], metadata: dict[str, amf0.Value]) -> str:
    """What the encoder calls itself: its metadata's `encoder`, else the `flashVer` of connect."""
    for value in (metadata.get("encoder"), properties.get("flashVer")):
        if isinstance(value, str) and value.strip():
            return "".join(character for character in value if character.isprintable())[:MAX_NAME_LENGTH]
    return ""


def result(transaction: float, *values: amf0.Value) -> bytes:
    return amf0.encode("_result", transaction, *values)


def error(transaction: float, code: str, description: str) -> bytes:
    return amf0.encode("_error", transaction, None, {"level": "error", "code": code, "description": description})


def on_status(level: str, code: str, description: str) -> bytes:
    return amf0.encode("onStatus", 0.0, None, {"level": level, "code": code, "description": description})
