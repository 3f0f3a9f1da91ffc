"""The aiohttp application: middlewares around the declared routes."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from web.routes.events import event_errors
from web.routing import Endpoint, errors_as_problems, mount

MAX_BODY_BYTES = 12 * 1024 * 1024
"""A poster; JSON bodies have their own, smaller limit."""


def make_app(endpoints: Sequence[Endpoint]) -> web.Application:
    app = web.Application(middlewares=[errors_as_problems, event_errors], client_max_size=MAX_BODY_BYTES)
    mount(app, endpoints)
    return app
