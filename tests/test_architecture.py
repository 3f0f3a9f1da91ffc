"""The house keeps its shape: arrows one way, every module alone, no secrets of the workshop in the tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("config", "streaming", "interaction", "recorder", "web")
MAY_IMPORT = {
    "config": set[str](),
    "streaming": {"config"},
    "interaction": {"config"},
    "recorder": {"config", "streaming"},
    "web": {"config", "streaming", "interaction", "recorder"},
}
HARD_LOOK_LINES = 560
"""No module is longer. Most are under 250."""


def sources(package: str) -> list[Path]:
    return [path for path in sorted((ROOT / package).rglob("*.py")) if "node_modules" not in path.parts]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name.decode() for name in listed.split(b"\0") if name]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imported(path)
        if (first := name.partition(".")[0]) in {*PACKAGES, "tests", "bench"} and first not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_of_a_package_form_no_circle(package: str) -> None:
    arrows: dict[str, set[str]] = {}
    for path in sources(package):
        here = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name in imported(path):
            if name.startswith(package + ".") and (there := room_of(name)) != here:
                arrows.setdefault(here, set()).add(there)
    assert circle(arrows) is None


def room_of(module: str) -> str:
    """The folder of a module, or the module itself where it stands directly in its package."""
    parts = module.split(".")
    return ".".join(parts[:2])


def circle(arrows: dict[str, set[str]]) -> list[str] | None:
    """One circle among the arrows, if there is any."""
    done: set[str] = set()

    def walk(room: str, trail: list[str]) -> list[str] | None:
        if room in trail:
            return [*trail[trail.index(room) :], room]
        if room in done:
            return None
        for there in sorted(arrows.get(room, ())):
            if (found := walk(there, [*trail, room])) is not None:
                return found
        done.add(room)
        return None

    for room in sorted(arrows):
        if (found := walk(room, [])) is not None:
            return found
    return None


@pytest.mark.parametrize("package", PACKAGES)
def test_each_module_imports_alone(package: str) -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources(package)]
    names = [name.removesuffix(".__init__") for name in names]
    script = (
        "import importlib, sys\n"
        f"ours = {PACKAGES!r}\n"
        "for name in sys.argv[1:]:\n"
        "    for loaded in [n for n in sys.modules if n.partition('.')[0] in ours]: del sys.modules[loaded]\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_modules_begin_with_what_they_are_for_and_stay_small() -> None:
    for package in PACKAGES:
        for path in sources(package):
            text = path.read_text("utf-8")
            assert text.startswith('"""') or not text, f"{path.relative_to(ROOT)} does not say what it is for"
            assert text.count("\n") <= HARD_LOOK_LINES, f"{path.relative_to(ROOT)} is too long"


def test_links_in_documents_lead_somewhere() -> None:
    for page in [path for path in tracked() if path.suffix == ".md"]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_modules_named_in_documents_exist() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        for name in re.findall(
            r"`((?:config|streaming|interaction|recorder|web|tests|bench)/[\w/.-]+)`", page.read_text()
        ):
            assert (ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}"


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    hosts = (
        "registry." + "npmjs",
        "pypi." + "org",
        "files." + "pythonhosted",
        "deb." + "debian",
        "/root" + "/",
        "/home" + "/",
    )
    for path in tracked():
        if path.suffix in (".png", ".jpg", ".bin", ".flv", ".br") or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        named = [host for host in hosts if host in text]
        assert not named, f"{path.relative_to(ROOT)} names {named}"


def test_the_tests_lock_has_what_the_hubs_lock_has() -> None:
    """A fresh machine installs one of the two files: what the hub imports has to stand in both, pinned alike."""
    hub, tests = ({line for line in (ROOT / name).read_text().splitlines() if re.match(r"[\w.\[\]-]+==", line)}
                  for name in ("requirements.txt", "requirements-dev.txt"))  # fmt: skip
    assert sorted(hub - tests) == []
