"""One Stream, many subscribers: ordered items out, the last GOP kept for whoever joins."""

from __future__ import annotations

from typing import Protocol

from streaming.media import End, Format, Item, Packet

MAX_GOP_BYTES = 16 * 1024 * 1024
"""A cached GOP beyond this (10 s of 12 Mbit/s) is dropped up to its next key frame: memory over quick start."""
MAX_GOP_PACKETS = 4_000
"""About 30 s of 60 fps video with audio; bounds a feed that never sends a second key frame."""


class Subscriber(Protocol):
    """Whoever consumes a Stream. Called on the event loop, in order; must return at once and never raise.

    A consumer that awaits takes its items through `streaming.subscriber.PacketQueue`, which is bounded and
    drops to the next key frame.
    """

    def receive(self, item: Item) -> None: ...


class Stream:
    """The items of one feed or program, in decode order, with monotonic timestamps.

    Owned by the Hub. A publisher calls `write`; timestamps have passed the `Timeline` by then. A joiner gets
    the Format and the cached GOP inside `subscribe`, before it returns, so that its first picture is at once.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.format: Format | None = None
        self.ended = False
        self.packets_in = 0
        self.bytes_in = 0
        self._subscribers: list[Subscriber] = []
        self._gop: list[Packet] = []
        self._gop_bytes = 0

    @property
    def subscriber_count(self) -> int:
        return len(self._subscribers)

    @property
    def gop(self) -> tuple[Packet, ...]:
        """The packets since the last key frame (since the format change, for audio alone)."""
        return tuple(self._gop)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Add a subscriber, and hand it the format and the cached GOP first."""
        if self.format is not None:
            subscriber.receive(self.format)
            for packet in self._gop:
                subscriber.receive(packet)
        if self.ended:
            subscriber.receive(End())
            return
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove a subscriber; removing one that is not there is allowed."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def write(self, item: Item) -> None:
        """Pass one item to every subscriber, keeping the GOP cache."""
        if self.ended:
            raise RuntimeError(f"stream {self.name} has ended")
        match item:
            case Format():
                self.format = item
                self._clear_gop()
            case Packet():
                self._remember(item)
            case End():
                self.ended = True
                self._clear_gop()
        for subscriber in tuple(self._subscribers):
            subscriber.receive(item)
        if self.ended:
            self._subscribers.clear()

    def _remember(self, packet: Packet) -> None:
        self.packets_in += 1
        self.bytes_in += len(packet.payload)
        assert self.format is not None, "a Format comes before the first packet"
        has_video = self.format.video is not None
        starts_gop = packet.keyframe and (packet.track_id == 0 or not has_video)
        if starts_gop:
            self._clear_gop()
        if starts_gop or self._gop:
            self._gop.append(packet)
            self._gop_bytes += len(packet.payload)
        if self._gop_bytes > MAX_GOP_BYTES or len(self._gop) > MAX_GOP_PACKETS:
            self._clear_gop()

    def _clear_gop(self) -> None:
        self._gop = []
        self._gop_bytes = 0
