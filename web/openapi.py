"""OpenAPI 3.1 from the same declarations that validate: paths, bodies, answers, problems."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web.routing import Access, Endpoint

VERSION = "1.0.0"
_REF = "#/components/schemas/{model}"


def openapi(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document for all endpoints under `/api/`."""
    documented = [endpoint for endpoint in endpoints if endpoint.path.startswith("/api/v1/")]
    used: list[tuple[type[BaseModel], Any]] = []
    for endpoint in documented:
        if endpoint.query is not None:
            used.append((endpoint.query, "validation"))
        if endpoint.body is not None:
            used.append((endpoint.body, "validation"))
        if endpoint.returns is not None:
            used.append((endpoint.returns, "serialization"))
    names, definitions = models_json_schema(list(dict.fromkeys(used)), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in documented:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, names, definitions["$defs"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Venuecast", "version": VERSION},
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details, in the language of Accept-Language (zh or en)",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"loc": {"type": "string"}, "msg": {"type": "string"}}},
        },
    },
}


def _operation(endpoint: Endpoint, names: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": endpoint.summary, "responses": {}}
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]
    if endpoint.query is not None:
        schema = definitions[names[endpoint.query, "validation"]["$ref"].rpartition("/")[2]]
        parameters += [
            {"name": name, "in": "query", "required": False, "schema": part}
            for name, part in schema.get("properties", {}).items()
        ]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        reference = names[endpoint.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    if endpoint.upload:
        content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in endpoint.upload}
        operation["requestBody"] = {"required": True, "content": content}
    good: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.returns is not None:
        good["content"] = {"application/json": {"schema": names[endpoint.returns, "serialization"]}}
    if endpoint.download:
        good["content"] = {endpoint.download: {"schema": {"type": "string"}}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] = {str(endpoint.status): good, "default": {"description": "A problem", "content": problem}}
    if endpoint.access is not Access.PUBLIC:
        operation["security"] = [{"bearer": []}]
    return operation
