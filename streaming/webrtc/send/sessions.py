"""WHEP sessions: from a viewer's offer to its end, each under an address that nobody can guess.

Life: `open` waits for the Stream's first picture, judges the offer and answers. Once DTLS is done the viewer joins the
Stream's fan-out. It ends by DELETE, by the peer, by silence, with the Stream or with the hub, and is forgotten.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import structlog

from config.clock import Clock
from streaming.stream import Stream
from streaming.transcode import DerivedStream, Trouble, TroubleCode
from streaming.webrtc.addressed import NoSession, new_etag, trickled
from streaming.webrtc.opening import Unacceptable
from streaming.webrtc.sdp import MalformedSdp, Offer, parse_offer, write_answer
from streaming.webrtc.send.fanout import WhepFanout
from streaming.webrtc.send.terms import Terms, agree_to_play
from streaming.webrtc.send.viewer import Viewer
from streaming.webrtc.session import Overloaded, Road, Transport

FIRST_PICTURE_SECONDS = 10.0
"""How long a player waits for the first picture before it is told that there is none."""
LINGER_SECONDS = 5.0
"""A reloaded page finds the packets of the last GOP still there."""
LOOK_SECONDS = 0.25
_HOPELESS = (TroubleCode.B_FRAMES, TroubleCode.CODEC)

log = structlog.get_logger(__name__)


class NotLive(Exception):
    """Nothing of this name is on."""


class NoPicture(Exception):
    """It is on, but no picture came in time."""


class NotCarried(Exception):
    """The picture is one that WebRTC cannot carry, and the setting says not to encode it again."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code)
        self.trouble = trouble


class BrowserStreams(Protocol):
    def browser(self, event_id: str, venue_id: str) -> DerivedStream | None:
        """A live venue's program as WebRTC carries it (`main` names the main one); None when it is not live."""


@dataclass(slots=True)
class _Open:
    """A fan-out and how many sessions hold it open."""

    fanout: WhepFanout
    holders: int = 0
    linger: asyncio.TimerHandle | None = None


class WhepSession:
    """One viewer: the consumer of its road."""

    def __init__(self, sessions: WhepSessions, fanout: WhepFanout, offer: Offer, terms: Terms) -> None:
        self._sessions, self.fanout, self.offer, self._terms = sessions, fanout, offer, terms
        self.id = secrets.token_urlsafe(24)
        self.etag = new_etag()
        self.ufrag = offer.remote.ufrag
        self.transport: Transport | None = None
        self.viewer: Viewer | None = None

    def connected(self) -> None:
        assert self.transport is not None
        if self.fanout.closed:
            self.transport.close("the stream ended")
            return
        terms = self._terms
        self.viewer = Viewer(self.transport, terms.video, terms.audio, terms.extension)
        self.fanout.add(self.viewer)

    def rtp(self, datagram: bytes, arrival: float) -> None:
        """Viewers send none."""

    def rtcp(self, datagram: bytes, arrival: float) -> None:
        if self.viewer is not None:
            self.fanout.feedback(self.viewer, datagram, arrival)

    def closed(self, reason: str) -> None:
        if self.viewer is not None:
            self.fanout.remove(self.viewer)
        self._sessions.forget(self, reason)


class WhepSessions:
    """All of them; owned by the hub's composition root."""

    def __init__(self, road: Road, streams: BrowserStreams, clock: Clock, *, max_viewers: int) -> None:
        self._road, self._streams, self._clock, self._max_viewers = road, streams, clock, max_viewers
        self._sessions: dict[str, WhepSession] = {}
        self._open: dict[Stream, _Open] = {}
        self.outcomes: Counter[str] = Counter()
        """Answers to offers by code, `accepted` among them: what /metrics shows."""

    @property
    def count(self) -> int:
        return len(self._sessions)

    @property
    def viewers(self) -> list[Viewer]:
        """Those that are connected."""
        return [session.viewer for session in self._sessions.values() if session.viewer is not None]

    async def open(
        self, event_id: str, venue_id: str, sdp: str, address: str, via: str | None
    ) -> tuple[WhepSession, str]:
        """A new session and its answer. `address`: the viewer's; `via`: ours that it came to.

        Raises NotLive, NoPicture, NotCarried, MalformedSdp, Unacceptable, Overloaded.
        """
        try:
            offer = parse_offer(sdp)
            session, answer = await self._admit(event_id, venue_id, offer, address, via)
        except (NotLive, NoPicture, NotCarried, MalformedSdp, Unacceptable, Overloaded) as error:
            self.outcomes[getattr(error, "code", None) or _snake(type(error).__name__)] += 1
            raise
        self.outcomes["accepted"] += 1
        return session, answer

    async def _admit(
        self, event_id: str, venue_id: str, offer: Offer, address: str, via: str | None
    ) -> tuple[WhepSession, str]:
        stream = self._streams.browser(event_id, venue_id)
        if stream is None or stream.ended:
            raise NotLive
        if len(self._sessions) >= self._max_viewers:
            raise Overloaded(f"{len(self._sessions)} viewers")
        held = self._hold(stream)
        try:
            await self._first_picture(stream, held.fanout)
            terms, accepted = agree_to_play(offer, held.fanout.profile)
            if len(self._sessions) >= self._max_viewers:
                raise Overloaded(f"{len(self._sessions)} viewers")
            session = WhepSession(self, held.fanout, offer, terms)
            session.transport = self._road.open(offer.remote, address, session, via)
        except BaseException:
            self._release(held)
            raise
        self._sessions[session.id] = session
        return session, write_answer(offer, session.transport.local, accepted)

    async def _first_picture(self, stream: DerivedStream, fanout: WhepFanout) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + FIRST_PICTURE_SECONDS
        while not fanout.ready.is_set():
            trouble = stream.trouble
            if trouble is not None and trouble.code in _HOPELESS:
                raise NotCarried(trouble)
            if loop.time() >= until:
                raise NoPicture
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await fanout.ready.wait()
            except TimeoutError:
                continue
        if fanout.closed:
            raise NotLive

    def patch(self, session_id: str, etag: str, fragment: str) -> str | None:
        """Candidates of the peer, or an ICE restart: then our fragment. Raises NoSession, WrongEtag, MalformedSdp."""
        return trickled(self._get(session_id), etag, fragment)

    def etag(self, session_id: str) -> str:
        """Of the current ICE session. Raises NoSession."""
        return self._get(session_id).etag

    def end(self, session_id: str) -> None:
        """DELETE: the viewer leaves. Raises NoSession."""
        session = self._get(session_id)
        assert session.transport is not None
        session.transport.close("the viewer left")

    def forget(self, session: WhepSession, reason: str) -> None:
        if self._sessions.pop(session.id, None) is None:
            return
        log.debug("whep session ended", stream=session.fanout.stream.name, reason=reason)
        held = self._open.get(session.fanout.stream)
        if held is not None and held.fanout is session.fanout:
            self._release(held)

    def close(self) -> None:
        """End every session."""
        for session in tuple(self._sessions.values()):
            assert session.transport is not None
            session.transport.close("the hub is shutting down 主机正在关闭")
        for held in tuple(self._open.values()):
            self._drop(held)

    def _hold(self, stream: Stream) -> _Open:
        held = self._open.get(stream)
        if held is None:
            held = self._open[stream] = _Open(WhepFanout(stream, self._clock, lambda: self._ended(stream)))
        if held.linger is not None:
            held.linger.cancel()
            held.linger = None
        held.holders += 1
        return held

    def _release(self, held: _Open) -> None:
        held.holders -= 1
        if not held.holders and not held.fanout.closed:
            held.linger = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._drop, held)

    def _drop(self, held: _Open) -> None:
        if held.linger is not None:
            held.linger.cancel()
            held.linger = None
        held.fanout.close()
        if self._open.get(held.fanout.stream) is held:
            del self._open[held.fanout.stream]

    def _ended(self, stream: Stream) -> None:
        self._open.pop(stream, None)

    def _get(self, session_id: str) -> WhepSession:
        session = self._sessions.get(session_id)
        if session is None:
            raise NoSession
        return session


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
