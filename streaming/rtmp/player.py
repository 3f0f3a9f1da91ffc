"""RTMP playback of programs and feeds, for OBS, vMix and VLC: what is asked for, who may, where the bytes come from.

`rtmp://HOST/play/{event_id}/{venue_id}` plays a program (`main` names the main venue), `rtmp://HOST/play/feed/{feed_id}`
a feed, for the crew. All players of one Stream share messages that are built once and merged per tick
(`streaming.flv.fanout`): every chunk header is of format 0 and carries its own time, so the same bytes fit everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from streaming.flv.fanout import FlvFanout
from streaming.rtmp import message
from streaming.rtmp.chunk import ChunkWriter, Message
from streaming.rtmp.command import urlsplit_path

APPLICATION = "play"
FEED = "feed"
CHUNK_BYTES = 65_536
"""As `streaming.rtmp.connection` announces to everybody."""
STREAM_ID = 1
WAIT_SECONDS = 60.0
"""A player that asks before the event is live waits this long: a big screen is switched on first."""
LOOK_SECONDS = 0.5
MAX_PLAYERS = 1_000
"""OBS, vMix and screens are a few; beyond this a flood would take file descriptors from phones."""
MAX_NAME = 2_000
_CSID = {message.AUDIO: message.AUDIO_CSID, message.VIDEO: message.VIDEO_CSID}


@dataclass(frozen=True, slots=True)
class PlayTarget:
    """What a player asks for: a venue's program, or with `feed_id` a feed."""

    event_id: str
    venue_id: str
    feed_id: str | None
    query: Mapping[str, str]
    """The address's parameters, `token` among them."""


class PlayRefused(Exception):
    """`code` as RTMP knows it; `description` stands in the player's log."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


class Admission(Protocol):
    """Who may play. Raises nothing; False refuses."""

    async def admit(self, event_id: str, venue_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        """May a program be played by this protocol (`rtmp`) with these parameters?"""

    async def admit_feed(self, feed_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        """May a feed be? Only the crew may."""


class OpenToAll:
    """Programs are public, feeds are nobody's: what holds where no event asks for more."""

    async def admit(self, event_id: str, venue_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        return True

    async def admit_feed(self, feed_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        return False


class PlaySources(Protocol):
    """Where players find their Stream; `streaming.outputs.Outputs`."""

    def rtmp(self, event_id: str, venue_id: str) -> FlvFanout | None: ...

    def feed_rtmp(self, feed_id: str) -> FlvFanout | None: ...


class Players:
    """All of a hub's; shared by its RTMP listeners."""

    def __init__(self, sources: PlaySources, admission: Admission, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._sources, self._admission, self._wait_seconds = sources, admission, wait_seconds
        self.count = 0
        self.refused = 0

    async def open(self, target: PlayTarget | None) -> FlvFanout:
        """The fan-out to join; waits for a program that is not live yet. Raises PlayRefused."""
        if target is None:
            raise self._refusal("NetStream.Play.StreamNotFound", "rtmp://HOST/play/EVENT/VENUE 播放地址有误")
        if self.count >= MAX_PLAYERS:
            raise self._refusal("NetStream.Play.Failed", "Too many players. 播放人数已满")
        if not await self._may(target):
            raise self._refusal("NetStream.Play.Failed", "The play token is missing or not valid. 播放口令缺失或无效")
        try:
            async with asyncio.timeout(self._wait_seconds):
                while (found := self._find(target)) is None:  # noqa: ASYNC110 - an event starts once a day
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise self._refusal("NetStream.Play.StreamNotFound", "Not live. 现在没有直播") from None
        return found

    async def _may(self, target: PlayTarget) -> bool:
        if target.feed_id is not None:
            return await self._admission.admit_feed(target.feed_id, "rtmp", target.query)
        return await self._admission.admit(target.event_id, target.venue_id, "rtmp", target.query)

    def _find(self, target: PlayTarget) -> FlvFanout | None:
        if target.feed_id is not None:
            return self._sources.feed_rtmp(target.feed_id)
        return self._sources.rtmp(target.event_id, target.venue_id)

    def _refusal(self, code: str, description: str) -> PlayRefused:
        self.refused += 1
        return PlayRefused(code, description)


def parse_target(app: str, tc_url: str, name: str) -> PlayTarget | None:
    """What app, tcUrl and name of a play ask for, wherever the player cut the address; None when it is no address."""
    if len(app) + len(tc_url) + len(name) > MAX_NAME:
        return None
    query: dict[str, str] = {}
    paths: list[str] = []
    for text in (urlsplit_path(tc_url), app, name):
        path, _, parameters = text.partition("?")
        query |= dict(parse_qsl(parameters))
        paths.append(unquote(path).strip("/"))
    url, application, stream = paths
    base = application if application.split("/")[0] == APPLICATION else url
    parts = [part for part in f"{base}/{stream}".split("/") if part]
    if len(parts) != 3 or parts[0] != APPLICATION:
        return None
    if parts[1] == FEED:
        return PlayTarget("", "", parts[2], query)
    return PlayTarget(parts[1], parts[2], None, query)


def tag_message(tag: bytes) -> bytes:
    """An FLV tag with its back-pointer as the chunks of one RTMP message; script tags become data messages."""
    time = int.from_bytes(tag[4:7], "big") | tag[7] << 24
    csid = _CSID.get(tag[0], message.STATUS_CSID)
    return _writer.write(Message(tag[0], STREAM_ID, time, tag[11:-4], csid))


_writer = ChunkWriter()
_writer.chunk_size = CHUNK_BYTES
"""Keeps no state between messages: each has a whole header."""
