"""WHIP sessions (RFC 9725): from a publisher's offer to its end, each under an address that nobody can guess.

Life: `open` judges the offer and answers. The feed stays with whoever has it until this peer's DTLS is done: one that
stalls must not push a working encoder off air. Then the hub is asked to admit it. It ends by DELETE, by the peer, by
silence or by the hub (another encoder, a new key, the event's end), and is forgotten.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from dataclasses import replace
from typing import Protocol

import structlog

from config.clock import Clock
from streaming.events.model import EventState, FeedAddress
from streaming.ingest import Ingest, Peer, Publication, Refused
from streaming.link import LinkStatus
from streaming.webrtc.addressed import NoSession, new_etag, trickled
from streaming.webrtc.opening import Unacceptable, agree
from streaming.webrtc.receive.receiver import PATIENCE, Agreed, Receiver, ReceiveStatus
from streaming.webrtc.sdp import MalformedSdp, Offer, parse_offer, write_answer
from streaming.webrtc.session import Overloaded, Road, Transport

MAX_WAITING_DATAGRAMS = 600
"""What comes while the hub admits: a key frame of a megabit, so that an encoder that ignores PLI is not asked."""
REFUSAL_SECONDS = 10.0
"""How long a refusal of the hub is told to whoever posts the same key again."""
MAX_REFUSALS = 1_000

log = structlog.get_logger(__name__)


class FeedKeys(Protocol):
    async def find_by_key(self, key: str) -> FeedAddress | None:
        """Where the feed with this stream key stands; None when the key is unknown or revoked."""


class PublicationForms(Protocol):
    """What transcodes before a feed (`streaming.transcode`)."""

    def publication(self, inner: Publication) -> Publication: ...


class WhipSession:
    """One publisher: the consumer of its road, until its receiver takes over."""

    def __init__(self, sessions: WhipSessions, key: str, peer: Peer, offer: Offer, agreed: Agreed) -> None:
        self._sessions, self._key, self.offer, self._agreed = sessions, key, offer, agreed
        self.peer = peer
        self.id = secrets.token_urlsafe(24)
        self.etag = new_etag()
        self.ufrag = offer.remote.ufrag
        self.transport: Transport | None = None
        self.receiver: Receiver | None = None
        self._publication: Publication | None = None
        self._admission: asyncio.Task[None] | None = None
        self._waiting: list[tuple[bytes, float]] = []
        self._ended = False

    @property
    def key(self) -> str:
        return self._key

    def connected(self) -> None:
        self._admission = asyncio.get_running_loop().create_task(self._admit())

    def rtp(self, datagram: bytes, arrival: float) -> None:
        if self.receiver is not None:
            self.receiver.rtp(datagram, arrival)
        elif len(self._waiting) < MAX_WAITING_DATAGRAMS:
            self._waiting.append((datagram, arrival))

    def rtcp(self, datagram: bytes, arrival: float) -> None:
        if self.receiver is not None:
            self.receiver.rtcp(datagram, arrival)

    def closed(self, reason: str) -> None:
        self._ended = True
        self._waiting.clear()
        if self.receiver is not None:
            self.receiver.close()
        if self._publication is not None:
            self._publication.close(reason)
        self._sessions.forget(self)
        log.info("whip session ended", address=self.peer.address, encoder=self.peer.encoder, reason=reason)

    def evict(self, reason: str) -> None:
        """The hub gives the feed to another, or to nobody."""
        if self.transport is not None:
            self.transport.close(reason)

    def link(self) -> LinkStatus:
        """What the console shows of the road."""
        if self.receiver is None:
            return LinkStatus(0, 0, 0, 0.0)
        status = self.receiver.status
        waits = round(PATIENCE * 1000)
        lost = status.recovered + status.lost
        return LinkStatus(status.packets, status.recovered, lost, status.round_trip * 1000, waits)

    async def wait(self) -> None:
        """Until a running admission is over."""
        if self._admission is not None:
            await asyncio.gather(self._admission, return_exceptions=True)

    async def _admit(self) -> None:
        assert self.transport is not None
        try:
            peer = replace(self.peer, link=self.link)
            publication = await self._sessions.ingest.admit(self._key, peer, self.evict)
        except Refused as refusal:
            self._sessions.refused(self._key, refusal)
            self.evict(refusal.message)
            return
        except Exception:
            log.exception("admission failed", address=self.peer.address)
            self.evict("internal error")
            return
        if self._ended:
            publication.close("the encoder left before it was admitted")
            return
        self._publication = publication = self._sessions.carried(publication)
        receiver = self.receiver = Receiver(self.transport, publication, self._agreed, self._sessions.clock)
        self._sessions.publishing(self)
        waiting, self._waiting = self._waiting, []
        for datagram, arrival in waiting:
            receiver.rtp(datagram, arrival)


class WhipSessions:
    """All of them; owned by the hub's composition root."""

    def __init__(
        self, road: Road, ingest: Ingest, keys: FeedKeys, clock: Clock, forms: PublicationForms | None = None
    ) -> None:
        self._road, self.ingest, self._keys, self.clock, self._forms = road, ingest, keys, clock, forms
        self._sessions: dict[str, WhipSession] = {}
        self._publishing: dict[str, WhipSession] = {}
        """By stream key."""
        self._refusals: dict[str, tuple[float, Refused]] = {}
        self.outcomes: Counter[str] = Counter()
        """Answers to offers by code, `accepted` among them: what /metrics shows."""

    @property
    def count(self) -> int:
        return len(self._sessions)

    async def open(self, key: str, sdp: str, peer: Peer, via: str | None) -> tuple[WhipSession, str]:
        """A new session and its answer. Raises Refused, MalformedSdp, Unacceptable, Overloaded."""
        try:
            await self._authorize(key)
            offer = parse_offer(sdp)
            agreed, accepted = agree(offer, transcoding=self._forms is not None)
            session = WhipSession(self, key, peer, offer, agreed)
            session.transport = self._road.open(offer.remote, peer.address, session, via)
        except Refused as refusal:
            self.outcomes[refusal.code] += 1
            raise
        except MalformedSdp:
            self.outcomes["malformed_sdp"] += 1
            raise
        except Unacceptable as unacceptable:
            self.outcomes[unacceptable.code] += 1
            raise
        except Overloaded:
            self.outcomes["overloaded"] += 1
            raise
        self.outcomes["accepted"] += 1
        self._sessions[session.id] = session
        return session, write_answer(offer, session.transport.local, accepted)

    def patch(self, session_id: str, etag: str, fragment: str) -> str | None:
        """Candidates of the peer, or an ICE restart: then our fragment. Raises NoSession, WrongEtag, MalformedSdp."""
        return trickled(self._get(session_id), etag, fragment)

    def etag(self, session_id: str) -> str:
        """Of the current ICE session. Raises NoSession."""
        return self._get(session_id).etag

    def end(self, session_id: str) -> None:
        """DELETE: the publisher is done. Raises NoSession."""
        session = self._get(session_id)
        assert session.transport is not None
        session.transport.close("the encoder stopped")

    def link_of_key(self, key: str) -> tuple[str, ReceiveStatus] | None:
        """ETag of the session that publishes with this stream key, and how it does; None when there is none."""
        session = self._publishing.get(key)
        return (session.etag, session.receiver.status) if session is not None and session.receiver is not None else None

    def carried(self, publication: Publication) -> Publication:
        """Where VP8 and AV1 may be written: they become H.264 before the feed."""
        return self._forms.publication(publication) if self._forms is not None else publication

    def publishing(self, session: WhipSession) -> None:
        """The hub has admitted it: it is the one with its key."""
        self._publishing[session.key] = session

    def forget(self, session: WhipSession) -> None:
        self._sessions.pop(session.id, None)
        if self._publishing.get(session.key) is session:
            del self._publishing[session.key]

    def refused(self, key: str, refusal: Refused) -> None:
        """The hub did not admit a connected peer: the next offer with this key is told why."""
        if len(self._refusals) >= MAX_REFUSALS:
            self._refusals.clear()
        self._refusals[key] = (self.clock.monotonic() + REFUSAL_SECONDS, refusal)

    async def close(self) -> None:
        """End every session, so that each publication is closed."""
        sessions = tuple(self._sessions.values())
        for session in sessions:
            session.evict("the hub is shutting down 主机正在关闭")
        for session in sessions:
            await session.wait()

    async def _authorize(self, key: str) -> None:
        known = self._refusals.pop(key, None)
        if known is not None and self.clock.monotonic() < known[0]:
            raise known[1]
        address = await self._keys.find_by_key(key)
        if address is None:
            raise Refused("unknown_key", "Unknown stream key. 推流码无效")
        if address.event_state in (EventState.ENDED, EventState.ARCHIVED):
            raise Refused("event_over", "This event has ended. 该直播已结束")

    def _get(self, session_id: str) -> WhipSession:
        session = self._sessions.get(session_id)
        if session is None:
            raise NoSession
        return session
