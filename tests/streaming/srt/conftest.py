"""A film to push."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.short_film import make_short_film


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_short_film(tmp_path_factory.mktemp("film") / "film.mkv")
