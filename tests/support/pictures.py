"""Small pictures to upload."""

from __future__ import annotations

import io

from PIL import Image


def picture(kind: str = "PNG", size: tuple[int, int] = (320, 180), mode: str = "RGB") -> bytes:
    """A plain picture as a file."""
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()
