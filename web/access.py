"""Access functions: the only way for a handler to an object. What belongs to another center does not exist."""

from __future__ import annotations

from aiohttp import web

from streaming.events.model import Event, FeedAddress
from web.accounts.model import Center, Permission
from web.field_words import FieldError
from web.identity import caller
from web.keys import ACCOUNTS, EVENTS
from web.problems import Problem


async def access_event(request: web.Request, event_id: str, permission: Permission) -> Event:
    """The event, if the caller may do that in its center. Raises Problem 404 (not theirs) or 403 (not their role)."""
    event = await request.app[EVENTS].get(event_id)
    crew = caller(request)
    if event is None or not crew.may(Permission.SEE_EVENTS, event.center_id):
        raise Problem(404, "not_found")
    if not crew.may(permission, event.center_id):
        raise Problem(403, "forbidden")
    return event


async def access_center(request: web.Request, center_id: str, permission: Permission) -> Center:
    """The center, if the caller may do that in it. Raises Problem 404 (not theirs) or 403 (not their role)."""
    center = await request.app[ACCOUNTS].store.center(center_id)
    crew = caller(request)
    if center is None or not crew.may(Permission.SEE_EVENTS, center.id):
        raise Problem(404, "not_found")
    if not crew.may(permission, center.id):
        raise Problem(403, "forbidden")
    return center


async def access_feed(
    request: web.Request, feed_id: str, permission: Permission = Permission.SEE_EVENTS
) -> FeedAddress:
    """Where the feed stands, by the same rule."""
    address = await request.app[EVENTS].find_feed(feed_id)
    crew = caller(request)
    if address is None or not crew.may(Permission.SEE_EVENTS, address.center_id):
        raise Problem(404, "not_found")
    if not crew.may(permission, address.center_id):
        raise Problem(403, "forbidden")
    return address


def chosen_center(request: web.Request, center_id: str | None, permission: Permission, default: str | None) -> str:
    """The center to act in: the named one, or the only one the caller can act in (the platform admin's default).

    Raises Problem 404 for a center that is not theirs, 403 without the permission, 422 when one has to be named.
    """
    crew = caller(request)
    allowed = crew.centers_with(permission)
    if center_id is not None:
        if allowed is None or center_id in allowed:
            return center_id
        raise Problem(403 if center_id in crew.roles else 404, "forbidden" if center_id in crew.roles else "not_found")
    if allowed is None:
        if default is None:
            raise Problem(404, "not_found")
        return default
    if len(allowed) == 1:
        return next(iter(allowed))
    if not allowed:
        raise Problem(403, "forbidden")
    raise Problem(422, "invalid", errors=[FieldError("center_id", "请指明融媒体中心", "Name the center")])
