"""The `app_sign_on` and `app_tokens` collections: settings by center, and which tokens were used already."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from pymongo.errors import DuplicateKeyError

from config.mongodb import DURABLE, Collection, Database
from web.app_sign_on.model import Method, SignOn

KEPT_SECONDS = 900
"""A token lives 5 minutes at most; until its mark goes it has long been refused for its age."""


class SignOnStore:
    def __init__(self, database: Database) -> None:
        self._centers: Collection = database.get_collection("app_sign_on", write_concern=DURABLE)
        self._tokens: Collection = database.get_collection("app_tokens", write_concern=DURABLE)

    async def ensure_indexes(self) -> None:
        await self._tokens.create_index("until", expireAfterSeconds=0)

    async def of_center(self, center_id: str) -> SignOn:
        document = await self._centers.find_one({"_id": center_id})
        if document is None:
            return SignOn(center_id)
        fields = {name: value for name, value in document.items() if name not in ("_id", "method")}
        return SignOn(center_id=center_id, method=Method(document["method"]), **fields)

    async def put(self, settings: SignOn) -> None:
        document = asdict(settings)
        document["_id"] = document.pop("center_id")
        document["method"] = settings.method.value
        await self._centers.replace_one({"_id": settings.center_id}, document, upsert=True)

    async def use_up(self, center_id: str, issuer: str, token_id: str, device_id: str) -> bool:
        """Mark a token as used by this device; False when another device used it.

        The same device may ask again: its first answer may have been lost on the way.
        """
        digest = hashlib.sha256(f"{center_id}\n{issuer}\n{token_id}".encode()).hexdigest()
        device = hashlib.sha256(device_id.encode()).hexdigest()
        until = datetime.now(UTC) + timedelta(seconds=KEPT_SECONDS)
        try:
            await self._tokens.insert_one({"_id": digest, "device": device, "until": until})
        except DuplicateKeyError:
            used = await self._tokens.find_one({"_id": digest})
            return used is not None and used["device"] == device
        return True
