"""What can be done to centers and crew; the REST routes and the command line call the same functions."""

from __future__ import annotations

import secrets
from dataclasses import replace

from config.clock import Clock
from config.ids import new_id
from web.accounts.model import Center, Crew, Role
from web.accounts.store import AccountStore
from web.auth.passwords import hash_password
from web.auth.sessions import Sessions

MIN_PASSWORD = 10
FIRST_CENTER = "融媒体中心"


class AccountError(Exception):
    """`code` names a text in web.problems."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Accounts:
    def __init__(self, store: AccountStore, sessions: Sessions, clock: Clock) -> None:
        self.store = store
        self._sessions = sessions
        self._clock = clock

    async def ensure_first_admin(self, username: str, password: str | None) -> str | None:
        """On the first start: one center and one platform admin. Returns the password if it was generated here."""
        if not await self.store.centers():
            await self.store.insert_center(Center(new_id(), FIRST_CENTER, created_at=self._clock.utc()))
        if any(crew.platform_admin for crew in await self.store.crew_of(None)):
            return None
        generated = None if password is not None else secrets.token_urlsafe(12)
        await self.store.insert_crew(
            Crew(
                id=new_id(),
                username=username.strip().lower(),
                name=username,
                password_hash=await hash_password(password or generated or ""),
                platform_admin=True,
                roles={},
                created_at=self._clock.utc(),
            )
        )
        return generated

    async def acting(self, crew_id: str) -> Crew | None:
        """The account with the roles that count now: none if it is disabled, none in a disabled center."""
        crew = await self.store.crew(crew_id)
        if crew is None or crew.disabled:
            return None
        if crew.platform_admin or not crew.roles:
            return crew
        open_centers = {center.id for center in await self.store.centers(sorted(crew.roles)) if not center.disabled}
        return replace(crew, roles={id_: held for id_, held in crew.roles.items() if id_ in open_centers})

    async def invite(
        self, username: str, name: str, roles: dict[str, tuple[Role, ...]], *, platform_admin: bool = False
    ) -> tuple[Crew, str]:
        """A new account and its one-time password, which has to be changed at the first sign-in.

        Raises UsernameTaken.
        """
        password = secrets.token_urlsafe(9)
        crew = Crew(
            id=new_id(),
            username=username.strip().lower(),
            name=name,
            password_hash=await hash_password(password),
            platform_admin=platform_admin,
            roles=roles,
            must_change_password=True,
            created_at=self._clock.utc(),
        )
        await self.store.insert_crew(crew)
        return crew, password

    async def set_password(self, crew: Crew, password: str, *, must_change: bool = False) -> Crew:
        """Raises AccountError for a weak one. Every session of the account ends."""
        if len(password) < MIN_PASSWORD:
            raise AccountError("weak_password")
        changed = replace(crew, password_hash=await hash_password(password), must_change_password=must_change)
        await self.store.replace_crew(changed)
        await self._sessions.end_all(crew.id)
        return changed

    async def reset_password(self, crew: Crew) -> tuple[Crew, str]:
        """The account as it is now, and its new one-time password."""
        password = secrets.token_urlsafe(9)
        return await self.set_password(crew, password, must_change=True), password

    async def change(
        self,
        crew: Crew,
        *,
        name: str | None = None,
        disabled: bool | None = None,
        roles: dict[str, tuple[Role, ...]] | None = None,
        may_leave_alone: bool = True,
    ) -> Crew:
        """Rename, disable or re-enable, or give other roles. Disabling ends every session at once.

        Raises AccountError for the last platform admin, and unless it `may_leave_alone` for a center's last admin.
        """
        changed = replace(
            crew,
            name=crew.name if name is None else name,
            disabled=crew.disabled if disabled is None else disabled,
            roles=crew.roles if roles is None else roles,
        )
        if changed.disabled and crew.platform_admin:
            admins = [c for c in await self.store.crew_of(None) if c.platform_admin and not c.disabled]
            if [admin.id for admin in admins] == [crew.id]:
                raise AccountError("last_admin")
        if not may_leave_alone and await self._leaves_alone(crew, changed):
            raise AccountError("last_admin")
        await self.store.replace_crew(changed)
        if changed.disabled:
            await self._sessions.end_all(crew.id)
        self._sessions.forget(crew.id)
        return changed

    async def _leaves_alone(self, crew: Crew, changed: Crew) -> bool:
        """Whether a center that `crew` administers would have no administrator left after the change."""
        for center_id, roles in crew.roles.items():
            stays = not changed.disabled and Role.CENTER_ADMIN in changed.roles.get(center_id, ())
            if Role.CENTER_ADMIN not in roles or crew.disabled or stays:
                continue
            others = (c for c in await self.store.crew_of([center_id]) if c.id != crew.id and not c.disabled)
            if not any(Role.CENTER_ADMIN in other.roles[center_id] for other in others):
                return True
        return False

    async def sign_out_everywhere(self, crew: Crew) -> None:
        await self._sessions.end_all(crew.id)
