"""A check-in as the crew writes it."""

from __future__ import annotations

from typing import Literal

from web.schemas.activities.base import KindBody


class CheckinBody(KindBody):
    kind: Literal["checkin"]
