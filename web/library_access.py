"""Whose library a crew member reads and publishes, by role; strangers read nobody's."""

from __future__ import annotations

from aiohttp import web

from web.accounts.model import Permission
from web.identity import authenticate, caller
from web.keys import CALLER
from web.problems import Problem


class CrewLibrary:
    """`web.routes.library.LibraryAccess` on the signed-in crew."""

    async def readable_centers(self, request: web.Request) -> frozenset[str] | None:
        """Also asked on public paths, where nobody has authenticated yet: a stranger reads no center's library."""
        if CALLER not in request:
            try:
                await authenticate(request)
            except Problem:
                return frozenset()
        centers = caller(request).centers_with(Permission.SEE_LIBRARY)
        return None if centers is None else frozenset(centers)

    async def may_publish(self, request: web.Request, center_id: str) -> bool:
        return caller(request).may(Permission.PUBLISH, center_id)
