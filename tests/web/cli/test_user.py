"""`venuecast user …`: for the day when nobody can sign in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import urllib3

from tests.support.commands import venuecast
from tests.support.hub_process import hub_process

pytestmark = [pytest.mark.service, pytest.mark.timeout(180)]


def test_accounts_are_made_changed_and_locked_beside_a_running_hub(tmp_path: Path) -> None:
    with hub_process(tmp_path / "data") as hub:
        added = venuecast("user", "add", "lin", "--name", "林导播", "--role", "director", data_dir=hub.data_dir)
        assert added.returncode == 0, added.stderr
        found = re.search(r"one-time password: (\S+)", added.stdout)
        assert found is not None
        assert hub.login("lin", found.group(1))

        twice = venuecast("user", "add", "lin", data_dir=hub.data_dir)
        assert (twice.returncode, "is taken" in twice.stderr) == (1, True)

        listed = venuecast("user", "list", data_dir=hub.data_dir)
        assert re.search(r"lin\s+林导播\s+director", listed.stdout)
        assert re.search(r"admin\s.*platform admin", listed.stdout)

        password = "lanterns by the river"
        changed = venuecast("user", "passwd", "lin", data_dir=hub.data_dir, text=f"{password}\n{password}\n")
        assert changed.returncode == 0, changed.stderr
        token = hub.login("lin", password)
        assert hub.request("GET", "/api/v1/events", token=token)["items"] == []

        assert venuecast("user", "disable", "lin", data_dir=hub.data_dir).returncode == 0
        refused = urllib3.request("GET", f"{hub.url}/api/v1/events", headers={"Authorization": f"Bearer {token}"})
        assert refused.status == 401
        last = venuecast("user", "disable", "admin", data_dir=hub.data_dir)
        assert (last.returncode, "last administrator" in last.stderr) == (1, True)
        unknown = venuecast("user", "passwd", "nobody", data_dir=hub.data_dir, text=f"{password}\n{password}\n")
        assert (unknown.returncode, "no account nobody" in unknown.stderr) == (1, True)
