"""Set-up says in one line what a machine lacks, before it makes anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

TOO_OLD = '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit 0\nexit 1\n'
NO_VENV = '#!/bin/sh\ncase "$2" in *venv*) exit 1 ;; esac\nexit 0\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the script beside a folder that is all the PATH there is."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/setup.sh", tmp_path / "scripts")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dirname", "sh", "rm", "date", "sed"):
        (programs / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def add_program(project: Path, name: str, text: str) -> None:
    file = project / "programs" / name
    file.write_text(text)
    file.chmod(0o755)


def set_up(project: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(project / "programs"), "HOME": str(project)}
    command = ["/bin/sh", str(project / "scripts/setup.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_too_old_python_is_named_with_what_to_do(project: Path) -> None:
    add_program(project, "python3", TOO_OLD)

    result = set_up(project)

    assert result.returncode == 2
    assert "no Python 3.11 or newer found (python3 is Python 3.9.2)" in result.stderr
    assert "PYTHON=" in result.stderr


def test_missing_venv_module_is_named_with_the_package_to_install(project: Path) -> None:
    add_program(project, "python3", NO_VENV)

    result = set_up(project)

    assert result.returncode == 2
    assert "python3 has no venv module" in result.stderr
    assert "python3-venv" in result.stderr
    assert not (project / ".venv").exists()


def test_newer_python_is_found_beside_an_old_one(project: Path) -> None:
    add_program(project, "python3", TOO_OLD)
    add_program(project, "python3.12", NO_VENV)

    assert "python3.12 has no venv module" in set_up(project).stderr


def test_makefile_and_ci_use_the_same_commands() -> None:
    steps = (ROOT / ".ci/run").read_text()

    assert "timed make check" in steps
    assert "timed make test" in steps
    assert os.access(ROOT / ".ci/run", os.X_OK)
