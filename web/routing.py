"""One declaration per route: path, access rule, and the schemas that validate it and describe it in OpenAPI."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from interaction.commit import Busy
from interaction.rejected import Rejected
from web.field_words import field_errors
from web.identity import authenticate
from web.keys import BODY
from web.problems import Problem, problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BodyT = TypeVar("BodyT", bound=BaseModel)

MAX_JSON_BYTES = 256 * 1024
"""The largest event with 32 venues of 16 feeds is a tenth of it."""

log = structlog.get_logger(__name__)


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
    upload: tuple[str, ...] = ()
    """Media types of a body that is no JSON; the handler reads it."""
    download: str = ""
    """Media type of an answer that is no JSON."""


def mount(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
    """Put the routes on the app, each behind its access rule and its validation. Fixed paths go before patterns."""
    for endpoint in sorted(endpoints, key=lambda endpoint: _specificity(endpoint.path), reverse=True):
        app.router.add_route(endpoint.method, endpoint.path, _guarded(endpoint))


def _specificity(path: str) -> tuple[object, ...]:
    """Literal segments win over mixed ones, mixed ones over patterns, from the left."""
    return tuple(2 if "{" not in part else 1 if not part.startswith("{") or not part.endswith("}") else 0
                 for part in path.split("/"))  # fmt: skip


def _guarded(endpoint: Endpoint) -> Handler:
    handler = endpoint.handler
    if endpoint.access is Access.PUBLIC and endpoint.body is None and endpoint.query is None:
        return handler  # the hot media paths run with nothing around them

    async def guarded(request: web.Request) -> web.StreamResponse:
        if endpoint.access is not Access.PUBLIC:
            crew = await authenticate(request)
            if endpoint.access is Access.PLATFORM and not crew.platform_admin:
                raise Problem(403, "forbidden")
        if endpoint.body is not None:
            request[BODY] = await _read_body(request, endpoint.body)
        if endpoint.query is not None:
            _validate(endpoint.query, dict(request.query))
        return await handler(request)

    return guarded


async def _read_body(request: web.Request, schema: type[BaseModel]) -> BaseModel:
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise Problem(413, "too_large")
    raw = await request.read()
    if len(raw) > MAX_JSON_BYTES:
        raise Problem(413, "too_large")
    try:
        content = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise Problem(400, "bad_json") from None
    return _validate(schema, content)


def _validate(schema: type[BaseModel], content: object) -> BaseModel:
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise Problem(422, "invalid", errors=field_errors(error)) from None


def body_of(request: web.Request, schema: type[BodyT]) -> BodyT:
    """The validated body of an endpoint that declares one."""
    body = request[BODY]
    assert isinstance(body, schema)
    return body


def answer(view: BaseModel, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A view as JSON."""
    return web.Response(
        text=view.model_dump_json(),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
    )


@web.middleware
async def errors_as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error leaves as problem details; one that is our bug carries an incident number and is logged."""
    try:
        return await handler(request)
    except Problem as raised:
        return problem(request, raised.status, raised.code, errors=raised.errors, **raised.values)
    except Rejected as raised:
        return problem(request, 409, raised.code)
    except Busy as raised:
        busy = problem(request, 503, "busy")
        busy.headers[hdrs.RETRY_AFTER] = str(math.ceil(raised.retry_after))
        return busy
    except web.HTTPNotFound:
        return problem(request, 404, "not_found")
    except web.HTTPMethodNotAllowed as raised:
        refused = problem(request, 405, "method_not_allowed")
        refused.headers[hdrs.ALLOW] = ", ".join(sorted(raised.allowed_methods))
        return refused
    except web.HTTPRequestEntityTooLarge:
        return problem(request, 413, "too_large")
    except web.HTTPException:
        raise
    except Exception:
        incident = secrets.token_hex(4)
        log.exception("request failed", incident=incident, method=request.method, path=request.path)
        return problem(request, 500, "internal", incident=incident)
