"""The one way in with an app's token: the center's settings, the signature, the single use."""

from __future__ import annotations

from config.clock import Clock
from web.app_sign_on.keys import KeysUnreachable, PublishedKeys
from web.app_sign_on.model import AppAccount
from web.app_sign_on.store import SignOnStore
from web.app_sign_on.verify import NotTaken, verify
from web.problems import Problem


class AppSignOn:
    def __init__(self, store: SignOnStore, keys: PublishedKeys, clock: Clock) -> None:
        self._store, self._keys, self._clock = store, keys, clock

    async def enter(self, center_id: str, token: str, device_id: str) -> AppAccount:
        """Whom the token names; it is used up by that. Raises Problem 422, 401, 409 or 503."""
        settings = await self._store.of_center(center_id)
        try:
            account = await verify(token, settings, self._keys, self._clock.utc())
        except NotTaken as error:
            raise Problem(422 if error.code == "app_sign_on_not_set_up" else 401, error.code) from None
        except KeysUnreachable:
            raise Problem(503, "app_keys_unreachable") from None
        if not await self._store.use_up(center_id, account.issuer, account.token_id, device_id):
            raise Problem(409, "app_token_used")
        return account
