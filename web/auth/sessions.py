"""Sessions in MongoDB, and the access tokens that name one: a token lives minutes, a session while it is used."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt

from config.clock import Clock
from config.mongodb import Collection, Database

ACCESS_SECONDS = 900
"""A stolen token is of use for a quarter of an hour at most; the console renews it by its cookie."""
IDLE_SECONDS = 12 * 3600.0
"""An evening's event without touching the console is no reason to sign in again; the next morning is."""
MAX_SECONDS = 30 * 86400.0
CACHE_SECONDS = 3.0
"""How long a revoked session may still be believed."""


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    crew_id: str
    """The account."""


def signing_secret(data_dir: Path) -> str:
    """The installation's secret for tokens, made once and readable by its owner alone. Blocking."""
    path = data_dir / "token.secret"
    if not path.exists():
        draft = data_dir / "token.secret.part"  # a crash in between must not leave an empty secret
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        draft.replace(path)
    return path.read_text().strip()


class Sessions:
    def __init__(self, database: Database, clock: Clock, secret: str) -> None:
        self._sessions: Collection = database.get_collection("sessions")
        self._clock = clock
        self._secret = secret
        self._cache: dict[str, tuple[float, Session | None]] = {}

    async def ensure_indexes(self) -> None:
        await self._sessions.create_index("crew_id")
        await self._sessions.create_index("expire_at", expireAfterSeconds=0)  # MongoDB clears away what is over

    async def begin(self, crew_id: str, address: str, agent: str) -> str:
        """A new session; the cookie's value, which is not kept anywhere."""
        value = secrets.token_urlsafe(32)
        now = self._clock.utc()
        await self._sessions.insert_one(
            {
                "_id": _digest(value),
                "crew_id": crew_id,
                "address": address,
                "agent": agent[:200],
                "created_at": now,
                "used_at": now,
                "expire_at": datetime.fromtimestamp(now + MAX_SECONDS, UTC),
            }
        )
        return value

    def access_token(self, session_id: str, crew_id: str) -> str:
        now = int(self._clock.utc())
        claims = {"sub": crew_id, "sid": session_id, "iat": now, "exp": now + ACCESS_SECONDS, "use": "crew"}
        return jwt.encode(claims, self._secret, algorithm="HS256")

    async def by_cookie(self, value: str) -> Session | None:
        return await self._find(_digest(value))

    async def by_token(self, token: str) -> Session | None:
        try:
            claims: dict[str, Any] = jwt.decode(token, self._secret, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return None
        if claims.get("use") != "crew":
            return None
        return await self._find(str(claims.get("sid")))

    async def end(self, session_id: str) -> None:
        await self._sessions.delete_one({"_id": session_id})
        self._cache.pop(session_id, None)

    async def end_all(self, crew_id: str) -> None:
        await self._sessions.delete_many({"crew_id": crew_id})
        self.forget(crew_id)

    def forget(self, crew_id: str) -> None:
        """Believe nothing cached about this account."""
        for session_id, (_, session) in tuple(self._cache.items()):
            if session is None or session.crew_id == crew_id:
                del self._cache[session_id]

    async def _find(self, session_id: str) -> Session | None:
        now = self._clock.utc()
        cached = self._cache.get(session_id)
        if cached is not None and now - cached[0] < CACHE_SECONDS:
            return cached[1]
        document = await self._sessions.find_one_and_update(
            {"_id": session_id, "used_at": {"$gt": now - IDLE_SECONDS}, "created_at": {"$gt": now - MAX_SECONDS}},
            {"$set": {"used_at": now}},
        )
        session = Session(session_id, document["crew_id"]) if document else None
        if len(self._cache) > 10_000:
            self._cache.clear()
        self._cache[session_id] = (now, session)
        return session


def session_id_of(cookie: str) -> str:
    """The session's id from the cookie's value."""
    return _digest(cookie)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
