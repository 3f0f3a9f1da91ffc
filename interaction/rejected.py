"""The one way in which a room says no."""

from __future__ import annotations


class Rejected(Exception):
    """Not taken; `code` names a text (web.rejections), `retry_after` in seconds says when it would be."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
