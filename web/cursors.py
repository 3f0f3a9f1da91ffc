"""Cursors of lists that are newest first: the time and id of the last item shown."""

from __future__ import annotations

import base64
import json

from web.problems import Problem


def to_cursor(at: float, id_: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, id_]).encode()).decode()


def from_cursor(cursor: str | None) -> tuple[float, str] | None:
    """Time and id to go on behind; None for the first page. Raises Problem 422 for what we did not give out."""
    if cursor is None:
        return None
    try:
        at, id_ = json.loads(base64.urlsafe_b64decode(cursor))
        if not isinstance(id_, str):
            raise TypeError
        id_.encode()  # a lone surrogate cannot be asked for
        return float(at), id_
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Problem(422, "bad_cursor") from None
