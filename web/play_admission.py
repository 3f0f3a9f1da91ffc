"""Who may play what over RTMP: programs are public, feeds are for the crew of their center, by their access token."""

from __future__ import annotations

from collections.abc import Mapping

from streaming.events.store import EventStore
from web.accounts.actions import Accounts
from web.accounts.model import Permission
from web.auth.sessions import Sessions


class CrewAdmission:
    """Implements `streaming.rtmp.player.Admission`."""

    def __init__(self, sessions: Sessions, accounts: Accounts, events: EventStore) -> None:
        self._sessions, self._accounts, self._events = sessions, accounts, events

    async def admit(self, event_id: str, venue_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        return True

    async def admit_feed(self, feed_id: str, protocol: str, query: Mapping[str, str]) -> bool:
        session = await self._sessions.by_token(query.get("token", ""))
        crew = await self._accounts.acting(session.crew_id) if session is not None else None
        address = await self._events.find_feed(feed_id)
        return (
            crew is not None
            and not crew.must_change_password
            and address is not None
            and crew.may(Permission.SEE_EVENTS, address.center_id)
        )
