"""Health, metrics, and the API's own description."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from web.openapi import openapi
from web.routing import Access, Endpoint

Ready = Callable[[], Awaitable[dict[str, bool]]]


def meta_endpoints(ready: Ready, registry: CollectorRegistry, documented: Sequence[Endpoint]) -> list[Endpoint]:
    """`ready` asks each backing service; `documented` are the endpoints that OpenAPI shows."""
    document = json.dumps(openapi(documented), ensure_ascii=False)
    page = _docs_page(documented)

    async def healthz(request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.StreamResponse:
        services = await ready()
        return web.json_response(
            {"status": "ok" if all(services.values()) else "not ready", "services": services},
            status=200 if all(services.values()) else 503,
        )

    async def metrics(request: web.Request) -> web.StreamResponse:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def openapi_json(request: web.Request) -> web.StreamResponse:
        return web.Response(text=document, content_type="application/json")

    async def docs(request: web.Request) -> web.StreamResponse:
        return web.Response(text=page, content_type="text/html")

    public = Access.PUBLIC
    return [
        Endpoint("GET", "/healthz", healthz, public, "The process lives"),
        Endpoint("GET", "/readyz", readyz, public, "It can serve"),
        Endpoint("GET", "/metrics", metrics, public, "Prometheus metrics"),
        Endpoint("GET", "/api/v1/openapi.json", openapi_json, public, "This API as OpenAPI 3.1"),
        Endpoint("GET", "/api/docs", docs, public, "This API to read"),
    ]


def _docs_page(endpoints: Sequence[Endpoint]) -> str:
    rows = "".join(
        f"<tr><td><code>{endpoint.method}</code></td><td><code>{html.escape(endpoint.path)}</code></td>"
        f"<td>{html.escape(endpoint.summary)}</td><td>{endpoint.access.value}</td>"
        f"<td>{endpoint.body.__name__ if endpoint.body else ''}</td>"
        f"<td>{endpoint.returns.__name__ if endpoint.returns else ''}</td></tr>"
        for endpoint in endpoints
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Venuecast API</title>"
        "<meta name='viewport' content='width=device-width'><style>body{font:16px/1.5 system-ui;margin:2rem}"
        "table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:left}</style>"
        "<h1>Venuecast API, version 1</h1><p>Schemas: <a href='/api/v1/openapi.json'>openapi.json</a>. "
        "Errors are problem details (RFC 9457).</p>"
        "<table><tr><th>Method</th><th>Path</th><th>What</th><th>Who</th><th>Body</th><th>Answer</th></tr>"
        f"{rows}</table></html>"
    )
