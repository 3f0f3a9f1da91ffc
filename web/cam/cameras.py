"""What a camera page is told: put together from the feed's place, its program, its link and the crew's cues."""

from __future__ import annotations

from typing import Literal, Protocol

from config.clock import Clock
from streaming.events.model import EventState, FeedAddress
from streaming.program.program import ProgramStatus
from streaming.status import FeedStatus
from streaming.webrtc.receive.receiver import ReceiveStatus
from web.cam.cues import Cues
from web.schemas.cam import CameraLink, CameraMessage, CameraState


class Live(Protocol):
    def feed_status(self, feed_id: str) -> FeedStatus: ...

    def program_status(self, event_id: str, venue_id: str) -> ProgramStatus: ...


class Links(Protocol):
    def link_of_key(self, key: str) -> tuple[str, ReceiveStatus] | None:
        """ETag of the WHIP session that publishes with this stream key, and how it does; None when there is none."""


class Cameras:
    def __init__(self, live: Live, links: Links, cues: Cues, clock: Clock) -> None:
        self._live, self._links, self.cues, self.clock = live, links, cues, clock

    def state(self, key: str, address: FeedAddress, title: str) -> CameraState:
        status = self._live.feed_status(address.feed_id)
        session, link = self._links.link_of_key(key) or (None, None)
        message = self.cues.message(address.feed_id)
        bits = (status.video.bits_per_second if status.video else 0.0) + (
            status.audio.bits_per_second if status.audio else 0.0
        )
        return CameraState(
            feed_id=address.feed_id,
            feed=address.feed_name,
            venue=address.venue_name,
            event=title,
            state=address.event_state.value,
            tally=self._tally(address),
            message=CameraMessage(text=message.text, at=message.at) if message else None,
            publishing=link is not None,
            session=session,
            elsewhere=link is None and status.state == "live",
            link=CameraLink(
                bits_per_second=round(bits, -3), lost_percent=round(link.fraction_lost * 100), frozen=link.frozen
            )
            if link is not None
            else None,
        )

    def _tally(self, address: FeedAddress) -> Literal["air", "next", "off"]:
        if address.event_state is not EventState.LIVE:
            return "off"
        program = self._live.program_status(address.event_id, address.venue_id)
        if program.feed_id == address.feed_id:
            return "air"
        following = program.pending_feed_id or self.cues.next(address.event_id, address.venue_id)
        return "next" if following == address.feed_id else "off"
