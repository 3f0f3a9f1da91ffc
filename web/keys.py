"""Typed keys of the application and of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel

if TYPE_CHECKING:
    from streaming.events.store import EventStore
    from web.accounts.actions import Accounts
    from web.accounts.model import Crew
    from web.auth.sessions import Sessions

ACCOUNTS: web.AppKey[Accounts] = web.AppKey("accounts")
EVENTS: web.AppKey[EventStore] = web.AppKey("events")
SESSIONS: web.AppKey[Sessions] = web.AppKey("sessions")

CALLER: web.RequestKey[Crew] = web.RequestKey("caller")
BODY: web.RequestKey[BaseModel] = web.RequestKey("body")
SESSION_ID: web.RequestKey[str] = web.RequestKey("session_id")
