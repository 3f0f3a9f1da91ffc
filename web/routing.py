"""One declaration per route: path, access rule, and the schemas that validate it and describe it in OpenAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from pydantic import BaseModel

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Access(StrEnum):
    """Who may call a route at all; which objects they may touch is decided by the `access_*` functions."""

    PUBLIC = "public"
    CREW = "crew"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route of the app. A handler that answers bytes (media, pages) leaves `body` and `returns` empty."""

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str = ""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    returns: type[BaseModel] | None = None
    status: int = 200
