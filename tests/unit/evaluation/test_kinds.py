"""A run with select-all and numeric questions: items as binary cells, numbers with their baselines, in every output."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluation.job import evaluate_run
from evaluation.reading.load import load_run
from evaluation.reporting.report import render_report
from evaluation.reporting.summary import summary_lines
from evaluation.reporting.survey_export import synthetic_columns
from schemas import run_paths, tables
from schemas.codebook import CodedVariable
from storage.runs import load_codebook
from tests.support.runs_folder import ArmRows, RunFolder, variable

N = 120
SETS = [tuple(c for c in (1, 2, 3) if (i + c) % 3 == 0 or i % 4 == c) for i in range(N)]
HOURS = [float(i % 13) for i in range(N)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    several = variable("PETS", [1, 2, 3], kind="several", text="Which?")
    numeric = CodedVariable(name="HOURS", kind="numeric", minimum=0, maximum=24, whole=True, text="How long?")
    one = variable("MOOD", [1, 2])
    mood = [1 + i % 2 for i in range(N)]
    arms = {"a": {"MOOD": ArmRows(mood), "PETS": ArmRows([1] * N), "HOURS": ArmRows([1] * N)}}
    folder = RunFolder(
        questions=[one, several, numeric], truth={"MOOD": mood, "PETS": [0] * N, "HOURS": [0] * N}, arms=arms,
        fields={"SEX": [1 + i % 2 for i in range(N)]}, truth_status={q: ["answered"] * N for q in ("PETS", "HOURS")},
    )  # fmt: skip
    made = folder.write(tmp_path_factory.mktemp("store"))
    path = made.path(run_paths.predictions("run-1"))
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        i = int(row["respondent_id"][1:])
        if row["question_id"] == "PETS":
            row |= {"answer": None, "truth_codes": SETS[i], "answer_codes": SETS[i] if i % 2 else [1]}
        if row["question_id"] == "HOURS":
            row |= {"answer": None, "truth_number": HOURS[i], "answer_number": HOURS[i] + 1}
    pq.write_table(pa.Table.from_pylist(rows, schema=tables.PREDICTIONS), path)
    return made


def test_every_item_is_a_binary_question_with_its_own_share(store):
    run = load_run(store, "run-1")

    assert [q for q, _ in run.cells] == ["MOOD", "PETS[1]", "PETS[2]", "PETS[3]"]
    for code in (1, 2, 3):
        cell = run.cells[f"PETS[{code}]", "a"]
        assert [position == 0 for position in cell.truth] == [code in one for one in SETS]
        right = sum(code in one if i % 2 == 0 and code == 1 else i % 2 or code not in one for i, one in enumerate(SETS))
        assert int((cell.answer == cell.truth).sum()) == right


def test_rows_of_the_file_are_counted_once_though_items_are_several(store):
    assert load_run(store, "run-1").n_predictions == 3 * N


def test_figures_of_numbers_and_items_stand_in_both_files_and_on_the_page(store):
    evaluation = evaluate_run(store, "run-1")
    table = pq.read_table(store.path(run_paths.evaluation("run-1", "metrics.parquet"))).to_pylist()
    tree = json.loads(store.path(run_paths.evaluation("run-1", "metrics.json")).read_text())

    mae = [r for r in table if (r["question_id"], r["arm"], r["metric"], r["form"]) == ("HOURS", "a", "mae", "strict")]
    assert [r["value"] for r in mae] == [1.0, 1.0]
    assert {"baseline:median", "baseline:linear", "a"} <= set(tree["questions"]["HOURS"])
    assert "PETS[2]" in tree["questions"]
    assert any("HOURS is off by 1 on average" in line for line in evaluation.lines)
    assert "Numeric questions" in {table.title for table in evaluation.tables}
    coverage = next(table for table in evaluation.tables if table.title == "Coverage")
    assert [row[:1] + row[-1:] for row in coverage.rows if row[0] in ("MOOD", "HOURS")] == [
        ["MOOD", "100.0%"],
        ["HOURS", "100.0%"],
    ]
    page = render_report(store, "run-1", evaluation)
    assert "Numeric questions" in page
    assert "PETS[3]" in page


def test_items_and_numbers_go_back_to_the_survey_as_variables_of_their_own(store):
    columns = synthetic_columns(load_run(store, "run-1"), load_codebook(store, "run-1"))

    named = {(column.question.name, column.arm): column for column in columns}
    assert list(named) == [("MOOD", "a"), ("PETS_1", "a"), ("PETS_2", "a"), ("PETS_3", "a"), ("HOURS", "a")]
    assert named["HOURS", "a"].codes["r000003"] == HOURS[3] + 1
    assert named["PETS_2", "a"].question.labels == {1: "ticked", 0: "not ticked"}


def test_summary_tells_questions_items_and_numbers(store):
    lines = summary_lines(evaluate_run(store, "run-1"))

    assert any(line.startswith("MOOD: best arm a") for line in lines)
    assert any(line.startswith("PETS") for line in lines)
    assert any("HOURS is off by 1 on average" in line for line in lines)
