"""The API's description: valid OpenAPI 3.1, complete, true to what the routes answer, and what the pages' types are."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.hub import InProcessHub

pytestmark = [pytest.mark.service, pytest.mark.asyncio(loop_scope="module")]

FRONTEND = Path(__file__).parents[2] / "web" / "frontend"
NOT_DOCUMENTED = {
    ("GET", "/api/v1/openapi.json"): "the description itself",
    ("GET", "/api/docs"): "the description itself, to read",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(hub: InProcessHub) -> dict[str, Any]:
    served: dict[str, Any] = await hub.stranger().ok("GET", "/api/v1/openapi.json")
    return served


async def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    errors = await asyncio.to_thread(lambda: list(OpenAPIV31SpecValidator(document).iter_errors()))
    assert errors == []


async def test_every_route_of_the_api_is_in_it(hub: InProcessHub, document: dict[str, Any]) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in hub.running.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/")
    }
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert served - described == set(NOT_DOCUMENTED)
    assert described - served == set()


async def test_every_operation_says_what_it_takes_and_answers(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["responses"].keys() - {"default"}, (method, path)
            named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), (method, path)
            status, good = next(one for one in operation["responses"].items() if one[0] != "default")
            assert "content" in good or status == "204", f"{method} {path} does not say what it answers"


async def test_answers_and_problems_fit_their_schemas(hub: InProcessHub, document: dict[str, Any]) -> None:
    event = await hub.event(hub.admin)
    base = f"/api/v1/events/{event['id']}"
    await hub.admin.ok("POST", f"{base}/start")
    tried = [
        ("GET", "/api/v1/auth/me", "/api/v1/auth/me", 200),
        ("GET", "/api/v1/centers", "/api/v1/centers", 200),
        ("GET", "/api/v1/crew", "/api/v1/crew", 200),
        ("GET", "/api/v1/events", "/api/v1/events", 200),
        ("GET", "/api/v1/events/{event_id}", base, 200),
        ("GET", "/api/v1/events/{event_id}/stats", f"{base}/stats", 200),
        ("GET", "/api/v1/events/{event_id}/comments", f"{base}/comments", 200),
        ("GET", "/api/v1/events/{event_id}/comments/held", f"{base}/comments/held", 200),
        ("GET", "/api/v1/events/{event_id}/snapshot", f"{base}/snapshot", 200),
        ("GET", "/api/v1/events/{event_id}/page", f"{base}/page", 200),
        ("GET", "/api/v1/library/items", "/api/v1/library/items", 200),
        ("GET", "/api/v1/addresses", "/api/v1/addresses", 200),
        ("GET", "/api/v1/disk", "/api/v1/disk", 200),
        ("GET", "/api/v1/events/{event_id}", "/api/v1/events/none", 404),
        ("GET", "/api/v1/events/{event_id}/page", "/api/v1/events/none/page", 404),
        ("GET", "/api/v1/events", "/api/v1/events?limit=0", 422),
    ]
    for method, path, asked, status in tried:
        answer = await hub.admin(method, asked)
        assert answer.status == status, asked
        responses = document["paths"][path][method.lower()]["responses"]
        content = responses.get(str(status), responses["default"])["content"]
        schema = {**content[answer.content_type]["schema"], "components": document["components"]}
        assert [error.message for error in OAS31Validator(schema).iter_errors(answer.json)] == [], asked


@pytest.mark.browser
async def test_the_pages_types_are_generated_from_it(document: dict[str, Any], tmp_path: Path) -> None:
    """`make types` after a change of schemas. Needs the front end's node_modules, as the browser tests do."""
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")
    generator = FRONTEND / "node_modules" / ".bin" / "openapi-typescript"
    command = [str(generator), str(tmp_path / "openapi.json"), "-o", str(tmp_path / "types.ts")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    committed = FRONTEND / "src" / "shared" / "api" / "types.ts"
    assert (tmp_path / "types.ts").read_text("utf-8") == committed.read_text("utf-8"), "run `make types`"
