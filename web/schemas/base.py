"""Bases shared by all schemas: strict input, RFC 3339 output, and pages of a list."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from config.clock import rfc3339

Instant = Annotated[float, PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""Unix seconds inside, RFC 3339 UTC in JSON."""


class Body(BaseModel):
    """What a client sends. Unknown fields are refused, so that a misspelt one is heard of."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class View(BaseModel):
    """What the hub answers. Clients ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True)


ItemT = TypeVar("ItemT", bound=View)


class Page(View, Generic[ItemT]):
    """One page of a list; `next_cursor` is null at the end."""

    items: list[ItemT]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null at the end")
