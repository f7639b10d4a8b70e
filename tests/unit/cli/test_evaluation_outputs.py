"""report, humans, compare, reread, export: what becomes of an evaluated run."""

import csv

import openpyxl
import pandas as pd
import pytest


def test_report_is_one_file_without_an_outside_address(nightpoll, run, tmp_path):
    said = nightpoll("evaluate", "r", "--report", str(tmp_path / "r.html"))

    page = (tmp_path / "r.html").read_text("utf-8")
    assert said.code == 0, said.err
    assert str(tmp_path / "r.html") in said.err
    assert "model-generated" in page
    assert 'src="http' not in page


def test_report_of_two_runs_in_one_file_is_refused(nightpoll, run):
    assert nightpoll("evaluate", "r", "r", "--report", "-").code == 2


def test_a_run_does_not_drift_from_itself(nightpoll, run):
    said = nightpoll("compare", "r", "r")

    assert said.code == 0, said.err
    assert "0 of 2 moved" in said.out


def test_reread_tells_the_statuses(nightpoll, run):
    said = nightpoll("reread", "r")

    assert said.code == 0, said.err
    assert "1 unparsed" in said.out


def test_labelled_interviews_give_estimates(nightpoll, run, tmp_path):
    rows = pd.read_parquet(run.path("r/predictions.parquet"))
    labelled = rows[rows["question_id"] == "mood"].head(20)[["respondent_id", "truth"]]
    labelled.rename(columns={"truth": "mood"}).to_csv(tmp_path / "h.csv", index=False)

    said = nightpoll("evaluate", "r", "--humans", str(tmp_path / "h.csv"), "--srs")

    assert said.code == 0, said.err


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_rows_are_exported_whole(nightpoll, run, tmp_path, form):
    path = tmp_path / f"out.{form}"

    said = nightpoll("export", "r", str(path), "--format", form)

    assert said.code == 0, said.err
    frame = pd.read_csv(path) if form == "csv" else pd.read_parquet(path)
    assert len(frame) == 80


def test_text_that_looks_like_a_formula_stays_text_in_csv(nightpoll, run, tmp_path):
    nightpoll("export", "r", str(tmp_path / "o.csv"), "--format", "csv")

    with (tmp_path / "o.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.DictReader(file) for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_toplines_are_a_workbook(nightpoll, run, tmp_path):
    assert nightpoll("export", "r", str(tmp_path / "t.xlsx"), "--format", "toplines").code == 0
    assert openpyxl.load_workbook(tmp_path / "t.xlsx").sheetnames == ["Toplines"]  # no subgroups, no banners


def test_export_beside_the_humans_needs_their_file(nightpoll, run, tmp_path):
    said = nightpoll("export", "r", str(tmp_path / "x.sav"), "--format", "sav")

    assert said.code == 2
    assert "survey" in said.err
