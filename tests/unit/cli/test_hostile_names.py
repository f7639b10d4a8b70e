"""Names, links and texts of others: nothing leaves the store, nothing becomes a formula, no row leaks."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest

from cli.views.sheet_text import safe_for_sheets
from schemas.errors import ExitCode
from storage.runs import append_event
from tests.support.cli_runs import CommandLine, land, open_run
from tests.support.studies import write_study
from workers.predictions.compaction import compact

NAMES = [
    "../outside",
    "..",
    ".",
    "/etc",
    "a/../../b",
    "a\\b",
    "",
    " ",
    ".nightpoll",
    "r\n",
    "r\0",
    "-rf",
    "a" * 101,
    "rün",
]
COMMANDS = [("show",), ("evaluate",), ("errors",), ("pause",), ("cancel",), ("status",), ("export", "out.csv")]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=8)
    store = open_run(study, tmp_path / "runs")
    land(store, "r", lambda _: {"turns": ["=HYPERLINK(1)"], "system_fingerprint": "@SUM(1)", "served_model": "+1|cmd"})
    compact(store, "r")
    append_event(store, "r", "finished", {"exit_code": 0})
    monkeypatch.setenv("NIGHTPOLL_STORE", str(store.root))
    return store


@pytest.mark.parametrize("name", NAMES)
def test_run_id_that_could_leave_the_store_is_refused(store, capsys, name):
    run, before = CommandLine(capsys), sorted(p.name for p in store.root.parent.iterdir())

    for command, *more in COMMANDS:
        said = run(command, *(["--"] if name.startswith("-") else []), name, *more)
        assert said.code == ExitCode.WRONG_INPUT, (command, said)
        assert "Traceback" not in said.err

    assert sorted(p.name for p in store.root.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-cmd|x", "'-cmd|x"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"), ("\n=1", "'\n=1"), ("  =1", "'  =1"), ("＝1", "'＝1"), ("-7", "-7"), ("+5.5", "+5.5"),
        ("plain", "plain"), ("", ""),
    ],
)  # fmt: skip
def test_text_that_begins_like_a_formula_gets_an_apostrophe_in_every_column(text, safe):
    frame = safe_for_sheets(pd.DataFrame({"served_model": [text, None], "n": [1, 2]}))

    assert frame["served_model"].tolist()[0] == safe
    assert frame["n"].tolist() == [1, 2]


def test_csv_of_a_run_holds_no_cell_that_begins_like_a_formula(store, capsys, tmp_path):
    out = tmp_path / "out.csv"

    assert CommandLine(capsys)("export", "r", out, "--format", "csv").code == 0

    cells = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert "'=HYPERLINK(1)" in set(cells["answer_text"])
    assert set(cells["system_fingerprint"]) == {"'@SUM(1)"}
    assert not any(str(c).startswith(("=", "@", "+")) for column in cells for c in cells[column])


def test_archive_without_microdata_holds_no_respondent_and_no_answer(store, capsys, tmp_path):
    run = CommandLine(capsys)
    assert run("evaluate", "r").code == 0

    assert run("export", "r", tmp_path / "all.zip", "--format", "archive").code == 0
    assert run("export", "r", tmp_path / "safe.zip", "--format", "archive", "--no-microdata").code == 0

    with zipfile.ZipFile(tmp_path / "safe.zip") as archive:
        names = archive.namelist()
        content = b"".join(archive.read(name) for name in names)
    assert sorted(names) == [
        "r/codebook.json",
        "r/evaluation/metrics.json",
        "r/evaluation/metrics.parquet",
        "r/run.json",
    ]
    assert b"HYPERLINK" not in content
    assert b"You are 18 years old" not in content
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert {"r/respondents.parquet", "r/predictions.parquet", "r/plan.parquet"} <= set(archive.namelist())


@pytest.mark.parametrize("form", ["csv", "parquet", "sav"])
def test_rows_are_refused_without_microdata(store, capsys, tmp_path, form):
    said = CommandLine(capsys)("export", "r", tmp_path / f"out.{form}", "--format", form, "--no-microdata")

    assert said.code == ExitCode.WRONG_INPUT
    assert "a row for every respondent" in said.err
    assert not (tmp_path / f"out.{form}").exists()


def test_archive_follows_no_link_out_of_the_run_and_lies_not_in_it(store, capsys, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_text("KEY")
    store.path("r/evaluation").mkdir(exist_ok=True)
    store.path("r/evaluation/metrics.json").symlink_to(tmp_path / "secret" / "key.txt")
    store.path("r/linked").symlink_to(tmp_path / "secret")
    run = CommandLine(capsys)

    assert run("export", "r", tmp_path / "all.zip", "--format", "archive").code == 0
    assert run("export", "r", store.path("r/self.zip"), "--format", "archive").code == ExitCode.WRONG_INPUT

    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert b"KEY" not in b"".join(archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize(("k", "code"), [(2, 2), (None, 0)])
def test_study_with_lonely_personas_is_refused_only_with_privacy_k(store, capsys, tmp_path, k, code):
    study = tmp_path / "s" / "study.yaml"
    if k is not None:
        study.write_text(study.read_text() + f"privacy: {{k: {k}}}\n")

    said = CommandLine(capsys)("check", study)

    assert said.code == code, said.err
    assert ("share their persona" in said.err) == (code == 2)
