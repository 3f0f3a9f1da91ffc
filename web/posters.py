"""Uploaded posters: re-encoded by us (what was uploaded is never served), wide and square, under names never reused."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path

from aiohttp import StreamReader
from PIL import Image, ImageOps, UnidentifiedImageError

from config.ids import new_id

MAX_UPLOAD_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""A 50-megapixel phone picture; beyond it a small file could unpack to gigabytes."""
WIDE = (1280, 720)
SQUARE = (600, 600)
"""What WeChat's card shows."""
_NAME = re.compile(r"[0-9a-z]{16}(-square)?")


class BadPicture(Exception):
    """Not a picture that we can read, or too large."""

    def __init__(self, *, too_large: bool = False) -> None:
        super().__init__()
        self.too_large = too_large


class Posters:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def keep(self, upload: StreamReader) -> str:
        """Store an upload; the name of its wide form (the square one has `-square` behind it). Raises BadPicture."""
        raw = bytearray()
        async for piece in upload.iter_chunked(65_536):
            raw += piece
            if len(raw) > MAX_UPLOAD_BYTES:
                raise BadPicture(too_large=True)
        return await asyncio.to_thread(self._store, bytes(raw))

    async def read(self, name: str) -> bytes | None:
        if not _NAME.fullmatch(name):
            return None
        return await asyncio.to_thread(_read, self._directory / f"{name}.jpg")

    def _store(self, raw: bytes) -> str:
        try:
            with Image.open(io.BytesIO(raw), formats=("JPEG", "PNG", "WEBP")) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise BadPicture(too_large=True)
                picture = ImageOps.exif_transpose(opened).convert("RGB")
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            # SyntaxError is how Pillow says that a PNG is broken inside
            raise BadPicture from None
        self._directory.mkdir(parents=True, exist_ok=True)
        name = new_id()
        ImageOps.fit(picture, WIDE).save(self._directory / f"{name}.jpg", "JPEG", quality=85, optimize=True)
        ImageOps.fit(picture, SQUARE).save(self._directory / f"{name}-square.jpg", "JPEG", quality=85, optimize=True)
        return name


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
