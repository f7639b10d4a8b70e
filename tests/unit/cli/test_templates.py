"""init: what it copies, what it refuses, what a wheel must carry."""

import tomllib
from pathlib import Path

import pytest

from cli.templates import BROUGHT_BY_THE_USER, FILES, copy_template, template_folder
from schemas.errors import UserInputError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", FILES)
def test_template_is_copied_byte_for_byte_into_a_new_folder(name, tmp_path):
    copy_template(name, tmp_path / "deep" / "new")

    copied = {path.name: path.read_bytes() for path in (tmp_path / "deep" / "new").iterdir()}

    assert copied == {file: (ROOT / "examples" / name / file).read_bytes() for file in FILES[name]}


@pytest.mark.parametrize("name", FILES)
def test_template_holds_the_survey_its_study_names_or_says_what_to_bring(name):
    survey = BROUGHT_BY_THE_USER.get(name)
    study = (template_folder(name) / "study.yaml").read_text("utf-8")

    shipped = [file for file in FILES[name] if file.endswith((".sav", ".csv"))]

    assert len(shipped) == (0 if survey is not None else 1)
    assert (survey if survey is not None else shipped[0]) in study


def test_wheel_carries_exactly_the_files_of_the_templates():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert included == {f"examples/{n}/{f}": f"cli/_templates/{n}/{f}" for n, files in FILES.items() for f in files}


def test_empty_folder_is_used_as_it_is(tmp_path):
    (tmp_path / "empty").mkdir()

    assert (tmp_path / "empty" / "study.yaml") in copy_template("reviews", tmp_path / "empty")


def test_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(UserInputError, match="not empty: it holds notes"):
        copy_template("reviews", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_nothing_stays_when_a_file_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setitem(FILES, "reviews", ("study.yaml", "no_such_file.yaml"))

    with pytest.raises(UserInputError, match="cannot be used"):
        copy_template("reviews", tmp_path / "new")

    assert list(tmp_path.iterdir()) == []


def test_init_says_what_to_do_next(nightpoll, tmp_path):
    said = nightpoll("init", tmp_path / "mine", "--template", "npors2024")

    assert said.code == 0
    assert f"put {BROUGHT_BY_THE_USER['npors2024']} into" in said.out
    assert "nightpoll check" in said.out


def test_study_of_init_passes_check(nightpoll, tmp_path):
    nightpoll("init", tmp_path / "mine")

    assert nightpoll("check", tmp_path / "mine").code == 0
