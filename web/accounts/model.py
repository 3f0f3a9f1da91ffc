"""Centers, crew, roles, and the one table that says what a role may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What somebody is in one center. The platform admin stands above all centers."""

    CENTER_ADMIN = "center_admin"
    DIRECTOR = "director"
    MODERATOR = "moderator"
    OPERATOR = "operator"
    EDITOR = "editor"
    VIEWER = "viewer"


class Permission(StrEnum):
    SEE_EVENTS = "see_events"
    EDIT_EVENTS = "edit_events"
    SEE_KEYS = "see_keys"
    DIRECT = "direct"
    MODERATE = "moderate"
    INTERACT = "interact"
    MANAGE_MALL = "manage_mall"
    SEE_LIBRARY = "see_library"
    PUBLISH = "publish"
    SEE_FIGURES = "see_figures"
    MANAGE_CREW = "manage_crew"


_SEE = {Permission.SEE_EVENTS, Permission.SEE_FIGURES, Permission.SEE_LIBRARY}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CENTER_ADMIN: frozenset(Permission),
    Role.DIRECTOR: frozenset(
        _SEE
        | {
            Permission.EDIT_EVENTS,
            Permission.SEE_KEYS,
            Permission.DIRECT,
            Permission.MODERATE,
            Permission.INTERACT,
            Permission.MANAGE_MALL,
        }
    ),
    Role.MODERATOR: frozenset(_SEE | {Permission.MODERATE}),
    Role.OPERATOR: frozenset(
        _SEE | {Permission.MODERATE, Permission.EDIT_EVENTS, Permission.INTERACT, Permission.MANAGE_MALL}
    ),
    Role.EDITOR: frozenset(_SEE | {Permission.PUBLISH}),
    Role.VIEWER: frozenset({Permission.SEE_EVENTS, Permission.SEE_FIGURES}),
}


@dataclass(frozen=True, slots=True)
class Quotas:
    live_events: int = 10
    crew: int = 200


@dataclass(frozen=True, slots=True)
class Center:
    id: str
    name: str
    accent: str = "#1f6feb"
    """#rrggbb"""
    quotas: Quotas = Quotas()
    disabled: bool = False
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Crew:
    """One person's account."""

    id: str
    username: str
    name: str
    password_hash: str = field(repr=False)
    platform_admin: bool
    roles: dict[str, tuple[Role, ...]]
    """By center id."""
    disabled: bool = False
    must_change_password: bool = False
    created_at: float = 0.0

    def may(self, permission: Permission, center_id: str) -> bool:
        if self.platform_admin:
            return True
        return any(permission in PERMISSIONS[role] for role in self.roles.get(center_id, ()))

    def centers_with(self, permission: Permission) -> frozenset[str] | None:
        """The centers in which this person may; None for all."""
        if self.platform_admin:
            return None
        return frozenset(center for center in self.roles if self.may(permission, center))
