"""Hours left on the disk, and who is told when."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from streaming import disk
from streaming.disk import NOMINAL_BITS_PER_SECOND, RESERVE_BYTES, DiskFull, DiskLevel, DiskMeter, hours_left, level

HOUR_BYTES = round(NOMINAL_BITS_PER_SECOND / 8 * 3600)


def test_hours_left_counts_what_is_written_now() -> None:
    assert hours_left(HOUR_BYTES * 10, NOMINAL_BITS_PER_SECOND) == pytest.approx(10)
    assert hours_left(HOUR_BYTES * 10, 2 * NOMINAL_BITS_PER_SECOND) == pytest.approx(5)


def test_an_idle_hub_is_judged_by_one_nominal_venue() -> None:
    assert hours_left(HOUR_BYTES, 0) == pytest.approx(1)


def test_levels() -> None:
    assert [level(hours) for hours in (0.0, 1.9, 2.0, 11.9, 12.0)] == [
        DiskLevel.CRITICAL,
        DiskLevel.CRITICAL,
        DiskLevel.WARNING,
        DiskLevel.WARNING,
        DiskLevel.OK,
    ]


async def test_the_meter_reads_the_disk_even_before_the_directory_is_made(tmp_path: Path) -> None:
    state = await DiskMeter(tmp_path / "media" / "later").state()
    assert state.total_bytes == shutil.disk_usage(tmp_path).total
    assert 0 < state.free_bytes < state.total_bytes


async def test_a_start_under_one_hour_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = RESERVE_BYTES + HOUR_BYTES * 3
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10 * free, 9 * free, free))  # type: ignore[attr-defined]
    meter = DiskMeter(tmp_path, lambda: NOMINAL_BITS_PER_SECOND)
    assert (await meter.check_start(venues=2)).hours_left == pytest.approx(1)
    with pytest.raises(DiskFull) as refused:
        await meter.check_start(venues=3)
    assert refused.value.hours == pytest.approx(0.75)
    assert await meter.hours_left() == pytest.approx(3)
