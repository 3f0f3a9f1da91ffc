"""The pages: audience, console, replay; built by Vite into `web/frontend/dist`, held in memory."""

from __future__ import annotations

import gzip
import html
import json
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs, web

from config.clock import Clock
from recorder.catalog import Catalog, ItemState
from streaming.events.model import EventState
from streaming.events.store import EventStore
from web.cam.cameras import Cameras
from web.problems import Problem, prefers_chinese
from web.routes.events import EventViews
from web.routing import Access, Endpoint
from web.schemas.events import AudienceEvent
from web.urls import Urls, absolute, square

DIST = Path(__file__).parent.parent / "frontend" / "dist"
_IMMUTABLE = "public, max-age=31536000, immutable"
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src * data: blob:; "
        "media-src * blob:; connect-src *; worker-src 'self' blob:; object-src 'none'; base-uri 'none'"
    ),
}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    gzipped: bytes | None
    content_type: str


def load_assets(dist: Path) -> dict[str, Asset]:
    """Every built file by its path below `dist`, compressed once. Empty when nothing was built."""
    assets: dict[str, Asset] = {}
    for path in sorted(dist.rglob("*")) if dist.is_dir() else ():
        if path.is_file():
            body = path.read_bytes()
            content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            if path.suffix in (".js", ".mjs"):
                content_type = "text/javascript"
            text = content_type.startswith(("text/", "application/json", "image/svg"))
            assets[path.relative_to(dist).as_posix()] = Asset(
                body, gzip.compress(body, 9) if text else None, content_type
            )
    return assets


def page_endpoints(
    events: EventStore, views: EventViews, catalog: Catalog, urls: Urls, clock: Clock, cameras: Cameras
) -> list[Endpoint]:
    assets = load_assets(DIST)

    async def audience(request: web.Request) -> web.StreamResponse:
        return await _of_event(request, "audience.html")

    async def screen(request: web.Request) -> web.StreamResponse:
        return await _of_event(request, "screen.html")

    async def _of_event(request: web.Request, page: str) -> web.StreamResponse:
        event = await events.get(request.match_info["event_id"])
        if event is None or event.state is EventState.DRAFT:
            return _page(request, page, {"missing": True}, _head(request, "", "", None), status=404)
        base = urls.base(request)
        view = await views.audience(base, event, clock.utc())
        head = _head(
            request,
            event.title,
            event.description or view.center.name,
            view.poster,
            square(base, event.poster),
            f"{base}/e/{event.id}",
        )
        return _page(request, page, json.loads(view.model_dump_json()), head)

    async def audience_data(request: web.Request) -> web.StreamResponse:
        event = await events.get(request.match_info["event_id"])
        if event is None or event.state is EventState.DRAFT:
            raise Problem(404, "not_found")
        view = await views.audience(urls.base(request), event, clock.utc())
        headers = {"Cache-Control": "public, max-age=1", "Access-Control-Allow-Origin": "*"}
        return web.Response(text=view.model_dump_json(), content_type="application/json", headers=headers)

    async def replay(request: web.Request) -> web.StreamResponse:
        item = await catalog.get(request.match_info["item_id"])
        if item is None or item.state is not ItemState.PUBLISHED:
            return _page(request, "replay.html", {"missing": True}, _head(request, "", "", None), status=404)
        base = urls.base(request)
        data = {
            "id": item.id,
            "title": item.title,
            "description": item.description,
            "started_at": item.started_at,
            "duration": item.duration,
            "venues": [
                {
                    "id": v.id,
                    "name": v.name,
                    "main": v.main,
                    "hls_url": f"{base}/replay/{item.id}/index.m3u8?venue={v.id}",
                }
                for v in item.venues
            ],
        }
        head = _head(
            request,
            item.title,
            item.description,
            absolute(base, item.poster),
            square(base, item.poster),
            f"{base}/r/{item.id}",
        )
        return _page(request, "replay.html", data, head)

    async def camera(request: web.Request) -> web.StreamResponse:
        key = request.match_info["stream_key"]
        address = await events.find_by_key(key)
        event = await events.get(address.event_id) if address is not None else None
        if address is None or event is None:
            return _page(request, "cam.html", {"missing": True}, _head(request, "", "", None), status=404)
        state = cameras.state(key, address, event.title)
        title = f"<title>{html.escape(address.feed_name)}</title>"
        return _page(request, "cam.html", json.loads(state.model_dump_json()), title)

    async def console(request: web.Request) -> web.StreamResponse:
        return _page(request, "console.html", None, "<title>Venuecast</title>")

    async def verify(request: web.Request) -> web.StreamResponse:
        return _page(request, "verify.html", None, "<title>验证抽奖 · Check a draw</title>")

    async def console_slash(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/console/")

    async def root(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/console/")

    async def asset(request: web.Request) -> web.StreamResponse:
        found = assets.get("assets/" + request.match_info["path"])
        if found is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": _IMMUTABLE, "X-Content-Type-Options": "nosniff", "Content-Type": found.content_type}
        return _body(request, found.body, found.gzipped, headers)

    def _page(request: web.Request, name: str, data: object, head: str, status: int = 200) -> web.Response:
        template = assets.get(name)
        if template is None:
            raise web.HTTPServiceUnavailable(text="The pages are not built: run `make build`. 页面尚未构建")
        # `<` cannot end the script element early when it is written as an escape
        script = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
        lang = "zh-CN" if prefers_chinese(request) else "en"
        text = (
            template.body.decode()
            .replace("<!--head-->", head)
            .replace("<!--data-->", f'<script type="application/json" id="data">{script}</script>')
            .replace('lang="zh-CN"', f'lang="{lang}"')
        )
        headers = {**_SECURITY, "Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8"}
        body = text.encode()
        return _body(request, body, gzip.compress(body, 5) if len(body) > 1400 else None, headers, status)

    public = Access.PUBLIC
    return [
        Endpoint("GET", "/", root, public, "To the console"),
        Endpoint("GET", "/e/{event_id}", audience, public, "The audience page"),
        Endpoint(
            "GET",
            "/api/v1/events/{event_id}/page",
            audience_data,
            public,
            "What the audience page knows",
            returns=AudienceEvent,
        ),
        Endpoint("GET", "/screen/{event_id}", screen, public, "The hall's big screen"),
        Endpoint("GET", "/verify", verify, public, "The page that computes a draw again"),
        Endpoint("GET", "/r/{item_id}", replay, public, "The replay page"),
        Endpoint("GET", "/cam/{stream_key}", camera, public, "The camera page: a phone becomes a feed"),
        Endpoint("GET", "/console", console_slash, public, "To the console"),
        Endpoint("GET", "/console/{path:.*}", console, public, "The console"),
        Endpoint("GET", "/assets/{path:.+}", asset, public, "Built scripts, styles and pictures"),
    ]


def _head(
    request: web.Request, title: str, description: str, poster: str | None, small: str | None = None, url: str = ""
) -> str:
    """Title and share preview: og:* for most, a square picture by itemprop for WeChat."""
    shown = title or ("没有找到" if prefers_chinese(request) else "Not found")
    tags = [f"<title>{html.escape(shown)}</title>"]
    if title:
        short = " ".join(description.split())[:120]
        tags += [
            f'<meta property="og:title" content="{html.escape(title)}">',
            f'<meta property="og:description" content="{html.escape(short)}">',
            f'<meta name="description" content="{html.escape(short)}">',
            '<meta property="og:type" content="video.other">',
        ]
        if url:
            tags.append(f'<meta property="og:url" content="{html.escape(url)}">')
    if poster:
        tags.append(f'<meta property="og:image" content="{html.escape(poster)}">')
        tags.append(f'<meta itemprop="image" content="{html.escape(small or poster)}">')
    return "".join(tags)


def _body(
    request: web.Request, body: bytes, gzipped: bytes | None, headers: dict[str, str], status: int = 200
) -> web.Response:
    if gzipped is not None and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return web.Response(
            body=gzipped, headers={**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, status=status
        )
    return web.Response(body=body, headers={**headers, "Vary": "Accept-Encoding"}, status=status)
