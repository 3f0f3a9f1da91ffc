"""Centers and crew: bodies and views."""

from __future__ import annotations

from pydantic import Field

from web.accounts.model import Role
from web.schemas.base import Body, Instant, View

ACCENT = r"^#[0-9a-fA-F]{6}$"
USERNAME = r"^[\w.@-]+$"


class QuotasBody(Body):
    live_events: int = Field(default=10, ge=0, le=1000)
    crew: int = Field(default=200, ge=1, le=10_000)


class CenterCreate(Body):
    name: str = Field(min_length=1, max_length=60)
    accent: str = Field(default="#1f6feb", pattern=ACCENT)
    quotas: QuotasBody = Field(default_factory=QuotasBody)


class CenterPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=60)
    accent: str | None = Field(default=None, pattern=ACCENT)
    quotas: QuotasBody | None = None
    disabled: bool | None = None


class CenterView(View):
    id: str
    name: str
    accent: str
    quotas: QuotasBody
    disabled: bool
    created_at: Instant


class CenterList(View):
    items: list[CenterView]
    next_cursor: str | None = None


class CrewCreate(Body):
    username: str = Field(min_length=2, max_length=64, pattern=USERNAME)
    name: str = Field(min_length=1, max_length=60)
    center_id: str | None = None
    roles: list[Role] = Field(min_length=1)


class CrewPatch(Body):
    center_id: str | None = Field(default=None, description="The center whose roles `roles` are")
    name: str | None = Field(default=None, min_length=1, max_length=60)
    roles: list[Role] | None = None
    disabled: bool | None = None


class CrewView(View):
    id: str
    username: str
    name: str
    platform_admin: bool
    disabled: bool
    must_change_password: bool
    roles: dict[str, list[Role]] = Field(description="By center id; only centers that the caller manages")
    created_at: Instant


class CrewList(View):
    items: list[CrewView]
    next_cursor: str | None = None


class InvitedView(View):
    crew: CrewView
    one_time_password: str = Field(description="Shown once; has to be changed at the first sign-in")
