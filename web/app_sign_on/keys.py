"""Keys that an app's server publishes (RFC 7517), fetched seldom and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
import jwt
import structlog

MAX_AGE_SECONDS = 600.0
REFETCH_SECONDS = 30.0
"""A token with an unknown key makes us look again at most this often."""
FETCH_SECONDS = 4.0
MAX_BYTES = 65_536
MAX_KEYS = 50

log = structlog.get_logger(__name__)


class KeysUnreachable(Exception):
    """The app's server did not give its keys."""


@dataclass(slots=True)
class _Known:
    keys: dict[str | None, jwt.PyJWK] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    asked_at: float = float("-inf")


class PublishedKeys:
    """By URL. `close` ends its connections."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def find(self, url: str, key_id: str | None) -> jwt.PyJWK | None:
        """The key of that id (or the only one, when the token names none). Raises KeysUnreachable."""
        known = self._known.setdefault(url, _Known())
        now = self._monotonic()
        stale = now - known.fetched_at > MAX_AGE_SECONDS
        if (stale or key_id not in known.keys) and now - known.asked_at > REFETCH_SECONDS:
            known.asked_at = now
            try:
                known.keys = await self._fetch(url)
                known.fetched_at = now
            except (aiohttp.ClientError, TimeoutError, ValueError, OSError, jwt.PyJWTError) as error:
                log.warning("an app's keys cannot be fetched", url=url, error=str(error)[:200])
                if not known.keys:
                    known.asked_at = now - REFETCH_SECONDS + 2.0
                    raise KeysUnreachable from error
        if key_id is None and len(known.keys) == 1:
            return next(iter(known.keys.values()))
        return known.keys.get(key_id)

    async def _fetch(self, url: str) -> dict[str | None, jwt.PyJWK]:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        async with self._session.get(url, timeout=timeout, allow_redirects=False) as response:
            response.raise_for_status()
            content = await response.content.read(MAX_BYTES + 1)
        if response.status != 200 or len(content) > MAX_BYTES:
            raise ValueError("no usable answer")
        listed = json.loads(content)
        if not isinstance(listed, dict) or not isinstance(listed.get("keys"), list):
            raise ValueError("no list of keys")
        found: dict[str | None, jwt.PyJWK] = {}
        for one in listed["keys"][:MAX_KEYS]:
            try:
                key = jwt.PyJWK.from_dict(one)
            except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
                continue  # keys for other purposes stand beside
            if key.algorithm_name in ("RS256", "ES256"):
                found[key.key_id] = key
        return found
