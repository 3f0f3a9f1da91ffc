"""Sign-in: bodies and views."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from web.accounts.model import Permission, Role
from web.schemas.base import Body, View


class LoginBody(Body):
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=200)


class TokenView(View):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(description="Seconds")
    must_change_password: bool = False


class PasswordBody(Body):
    current: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=200)


class MembershipView(View):
    center_id: str
    center_name: str
    accent: str
    roles: list[Role]
    permissions: list[Permission]


class MeView(View):
    id: str
    username: str
    name: str
    platform_admin: bool
    must_change_password: bool
    centers: list[MembershipView]


class DoneView(View):
    done: Literal[True] = True
