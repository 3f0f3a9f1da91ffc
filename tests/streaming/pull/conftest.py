"""A film to serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.short_film import make_short_film


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    make_short_film(folder / "film.mp4")
    return make_short_film(folder / "film.mkv")
