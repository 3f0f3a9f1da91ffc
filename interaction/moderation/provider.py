"""An outside review service, asked over HTTP about comments that would be shown at once. No answer means: a person.

`POST` of `{id, event_id, center_id, viewer, nickname, text}` as JSON, with `Authorization: Bearer …` when a token is
set; the answer is `{"verdict": "pass" | "hold" | "refuse", "reason"?: "…"}`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp
import structlog

from interaction.store.talk_rules import OutsideReview

MAX_ASKED = 200
"""Questions under way at once; beyond it people decide: a slow service must not hold up a room."""
FAILURES = 5
"""After so many in a row the service is left alone for `PAUSE_SECONDS`."""
PAUSE_SECONDS = 10.0
MAX_ANSWER_BYTES = 16_384

log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    PASS = "pass"
    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Opinion:
    verdict: Verdict
    reason: str


@dataclass(slots=True)
class _Health:
    failures: int = 0
    resting_until: float = 0.0


class Provider:
    """Shares one connection pool; `close` ends it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._session: aiohttp.ClientSession | None = None
        self._health: dict[str, _Health] = {}
        self._asked = 0

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, review: OutsideReview, question: dict[str, str]) -> Opinion:
        """The service's opinion within its time, else `hold`. Never raises."""
        url = review.url
        assert url is not None
        health = self._health.setdefault(url, _Health())
        if self._asked >= MAX_ASKED:
            return Opinion(Verdict.HOLD, "busy")
        if self._monotonic() < health.resting_until:
            return Opinion(Verdict.HOLD, "resting")
        self._asked += 1
        try:
            opinion = await self._post(url, review, question)
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError, OSError) as error:
            health.failures += 1
            if health.failures >= FAILURES:
                health.failures = 0
                health.resting_until = self._monotonic() + PAUSE_SECONDS
                # no more of the address: what follows the host may be a secret
                host = urlsplit(url).hostname
                log.warning("the outside review does not answer", host=host, error=type(error).__name__)
            return Opinion(Verdict.HOLD, "no_answer")
        finally:
            self._asked -= 1
        health.failures = 0
        return opinion

    async def _post(self, url: str, review: OutsideReview, question: dict[str, str]) -> Opinion:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        headers = {"Authorization": f"Bearer {review.token}"} if review.token else {}
        timeout = aiohttp.ClientTimeout(total=review.seconds)
        async with self._session.post(
            url, json=question, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            response.raise_for_status()
            if response.status != 200 or (response.content_length or 0) > MAX_ANSWER_BYTES:
                raise ValueError("no usable answer")
            raw = bytearray()
            async for piece in response.content.iter_any():
                raw += piece
                if len(raw) > MAX_ANSWER_BYTES:
                    raise ValueError("no usable answer")
            answer = json.loads(raw)
        if not isinstance(answer, dict):
            raise ValueError("no usable answer")
        return Opinion(Verdict(str(answer.get("verdict"))), str(answer.get("reason") or "")[:100])
