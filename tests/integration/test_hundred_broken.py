"""A hundred generated broken studies and files: each is told with its place and a remedy, exit code 2, no traceback,
and nothing is written."""

from pathlib import Path

import pytest

from tests.support.broken_files import broken_files
from tests.support.broken_studies import BrokenStudy, broken_studies
from tests.support.cli_runs import CommandLine, Said
from tests.support.small_study import write_study

STUDIES = broken_studies()


@pytest.fixture
def nightpoll(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "store"))
    return CommandLine(capsys)


def contents(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*"))}


def assert_told(said: Said, words: tuple[str, ...]) -> None:
    assert said.code == 2, said
    assert [word for word in words if word.lower() not in said.err.lower()] == [], said.err
    for trace in ("Traceback", "unexpected error", "Exception", 'File "', "pydantic", "Error("):
        assert trace not in said.err
    assert len(said.err.splitlines()) < 24


def write(broken: BrokenStudy, folder: Path) -> Path:
    path = write_study(folder, study="", models=broken.models, template=broken.template)
    path.write_bytes(broken.study if isinstance(broken.study, bytes) else broken.study.encode())
    return path


def test_there_are_a_hundred_and_more_of_distinct_kinds(tmp_path):
    names = [broken.name for broken in STUDIES] + [broken.name for broken in broken_files(tmp_path)]

    assert len(set(names)) == len(names) >= 140


@pytest.mark.parametrize("broken", [pytest.param(broken, id=broken.name) for broken in STUDIES])
def test_broken_study_is_told_in_place(broken, nightpoll, tmp_path):
    study = write(broken, tmp_path / "study")
    before = contents(tmp_path)

    said = nightpoll("check", study)

    assert_told(said, broken.words)
    assert contents(tmp_path) == before


def test_every_broken_file_is_told_and_starts_no_study(nightpoll, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for broken in broken_files(tmp_path):
        (folder / broken.file).write_bytes(broken.data)
        before = contents(tmp_path)

        said = nightpoll("inspect", folder / broken.file, "--write-study", tmp_path / "new.yaml")

        assert_told(said, (broken.file, *broken.words))
        assert contents(tmp_path) == before, broken.name
        (folder / broken.file).unlink()


def test_folder_and_absent_file_are_told(nightpoll, tmp_path):
    (tmp_path / "s.sav").mkdir()

    assert_told(nightpoll("inspect", tmp_path / "s.sav"), ("s.sav", "is a file"))
    assert_told(nightpoll("inspect", tmp_path / "t.sav"), ("t.sav", "no such"))
