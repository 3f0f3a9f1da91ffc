"""Addresses of the hub on this network."""

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
