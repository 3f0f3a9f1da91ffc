"""What the crew tells its cameras: a short message, and which one is next. In memory: words of the moment."""

from __future__ import annotations

from dataclasses import dataclass

MAX_FEEDS = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    at: float
    """UTC, Unix seconds."""


class Cues:
    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._next: dict[tuple[str, str], str] = {}
        """Feed by event and venue: one at most is next."""

    def say(self, feed_id: str, text: str, at: float) -> None:
        """Show a text on the camera of this feed; an empty one clears it."""
        self._messages.pop(feed_id, None)
        if text:
            if len(self._messages) >= MAX_FEEDS:
                del self._messages[next(iter(self._messages))]
            self._messages[feed_id] = Message(text, at)

    def message(self, feed_id: str) -> Message | None:
        return self._messages.get(feed_id)

    def stand_by(self, event_id: str, venue_id: str, feed_id: str, *, stands: bool) -> None:
        """Say that this feed is the venue's next one, or no longer."""
        key = (event_id, venue_id)
        if stands:
            if len(self._next) >= MAX_FEEDS:
                del self._next[next(iter(self._next))]
            self._next[key] = feed_id
        elif self._next.get(key) == feed_id:
            del self._next[key]

    def next(self, event_id: str, venue_id: str) -> str | None:
        return self._next.get((event_id, venue_id))
