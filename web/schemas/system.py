"""The installation: addresses on this network, the disk."""

from __future__ import annotations

from typing import Literal

from web.schemas.base import View


class AddressView(View):
    url: str
    kind: Literal["public", "network", "name", "local"]
    secure: bool
    answers: bool


class AddressList(View):
    items: list[AddressView]
    rtmp_port: int
    preferred: str | None
    """What the QR code holds until the crew chooses another."""


class DiskView(View):
    free_bytes: int
    hours: float
    """Of recording at the rate of what is live now."""
    level: Literal["ok", "warning", "critical"]
