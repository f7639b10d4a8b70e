"""The lock, the wheel and the set-up files say the same as pyproject.toml."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
ROOMS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def pins() -> dict[str, list[str]]:
    """Package -> locked versions, several where they differ by Python version."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCK, flags=re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def wanted() -> list[str]:
    project = PROJECT["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [*project["dependencies"], *extras, *PROJECT["dependency-groups"]["dev"]]


@pytest.mark.parametrize("requirement", wanted())
def test_lock_holds_a_version_that_the_project_asks_for(requirement: str) -> None:
    asked = Requirement(requirement)

    versions = pins().get(canonicalize_name(asked.name), [])

    assert versions, "run `make lock`"
    assert all(asked.specifier.contains(version) for version in versions), "run `make lock`"


@pytest.mark.parametrize("trace", ["://", "http:", "https:", "file:", "/opt", " @ ", "--index", "--find-links"])
def test_lock_holds_no_address(trace: str) -> None:
    assert trace not in LOCK


def test_every_locked_package_has_a_hash() -> None:
    packages = re.split(r"^(?=[a-z])", LOCK, flags=re.MULTILINE)[1:]

    assert len(packages) > 50
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


def test_uv_lock_is_not_kept() -> None:
    assert "uv.lock" in (ROOT / ".gitignore").read_text().splitlines()


def test_tool_settings_name_the_same_rooms() -> None:
    tools = PROJECT["tool"]

    assert sorted(tools["mypy"]["packages"]) == sorted(ROOMS)
    assert sorted(tools["importlinter"]["root_packages"]) == sorted(ROOMS)


def test_changelog_has_the_version_on_top_or_unreleased() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert headings[1:2] in ([], [PROJECT["project"]["version"]])


def test_wheel_made_from_what_the_image_copies_holds_every_room(tmp_path: Path) -> None:
    for name in copied_before_the_build():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)

    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    result = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl"))) as wheel:
        assert {f"{room}/py.typed" for room in ROOMS} <= set(wheel.namelist())
        assert not [name for name in wheel.namelist() if name.startswith(("tests/", "docs/"))]


def copied_before_the_build() -> list[str]:
    """What the first stage of the Dockerfile copies."""
    first_stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1]
    lines = re.findall(r"^COPY (.+) \S+$", first_stage, flags=re.MULTILINE)
    return [name for line in lines for name in line.split()]
