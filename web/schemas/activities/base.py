"""What the bodies of all kinds of activity have in common."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from web.schemas.base import Body


class KindBody(Body):
    """A draft as the crew writes it, flat. Each kind adds its settings and says how they are kept."""

    title: str = Field(min_length=1, max_length=60)
    seconds: float | None = Field(default=None, ge=5, le=864_000, description="Closes by itself so long after opening")

    def rules(self) -> dict[str, Any]:
        """The kind's settings as they are kept: JSON."""
        return self.model_dump(mode="json", exclude={"kind", "title", "seconds"})
