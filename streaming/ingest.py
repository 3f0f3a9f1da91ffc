"""The seam between a protocol server and the hub: who knocks, who is refused, and where the media goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from streaming.link import LinkStatus
from streaming.media import Format, Packet


@dataclass(frozen=True, slots=True)
class Peer:
    """The encoder at the other end."""

    address: str
    port: int
    protocol: str
    """`rtmp` or `rtmps`."""
    encoder: str = ""
    """What it calls itself, e.g. `FMLE/3.0 (compatible; FMSc/1.0)`; at most 120 characters."""
    link: Callable[[], LinkStatus] | None = field(default=None, compare=False)
    """What its protocol knows of the road; asked whenever somebody looks at the feed."""


class Refused(Exception):
    """The hub does not take this publisher. `message` goes into the encoder's log, so it says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """`unknown_key`, `contested`, `event_over` or `quota`."""
        self.message = message


class Publication(Protocol):
    """One publisher's right to write into a feed. Ends by `close`, or by the hub calling `evict`."""

    def write(self, item: Format | Packet) -> None:
        """Pass an item on, with time as the protocol counts it. After an eviction it is dropped."""

    def close(self, reason: str) -> None:
        """The publisher has gone. Closing twice is allowed."""


class Ingest(Protocol):
    """What a protocol server needs of the hub."""

    async def admit(self, key: str, peer: Peer, evict: Callable[[str], None]) -> Publication:
        """Give the stream key's feed to this peer. `evict(reason)` is called when another takes it over, or the key is
        revoked: the server then closes the connection. Raises Refused."""
