import json
import math
import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from evaluation.job import evaluate_run
from schemas import run_paths, tables
from schemas.errors import StoreError
from tests.support.runs_folder import NO_ANSWER, ArmRows, RunFolder, variable

N = 240
ROOT = Path(__file__).resolve().parents[3]


def make_folder(**changes):
    """Two questions; `good` is often right, `constant` always says 1, `earlier` is imported."""
    rng = np.random.default_rng(0)
    field = rng.integers(1, 4, N)
    q1 = np.where(rng.random(N) < 0.5, field, rng.integers(1, 4, N))
    q2 = np.where(rng.random(N) < 0.1, NO_ANSWER, rng.integers(1, 3, N))
    good = {q: np.where(rng.random(N) < 0.9, t, 1) for q, t in (("Q1", q1), ("Q2", q2))}
    earlier = np.where(rng.random(N) < 0.2, NO_ANSWER, rng.integers(1, 4, N))
    made = {
        "questions": [variable("Q1", [1, 2, 3], scale="ordinal", scale_order=[1, 3, 2], cut=3), variable("Q2", [1, 2])],
        "truth": {"Q1": q1, "Q2": q2},
        "arms": {
            "good": {q: ArmRows(np.maximum(a, 1)) for q, a in good.items()},
            "constant": {"Q1": ArmRows(np.ones(N, int)), "Q2": ArmRows(np.ones(N, int))},
            "earlier": {"Q1": ArmRows(earlier, transport="imported")},
        },
        "fields": {"F": field.tolist(), "AGE": [None if i % 9 == 0 else 20 + i % 60 for i in range(N)]},
        "numeric": ["AGE"],
        "weights": rng.random(N) + 0.5,
        "split": np.where(rng.random(N) < 0.4, "test", "train"),
    }
    return RunFolder(**{**made, **changes})


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    folder = make_folder()
    store = folder.write(tmp_path_factory.mktemp("store"))
    return folder, store, evaluate_run(store, "run-1")


def value(evaluation, arm, question, metric, form=None, *, weighted=True, split="all"):
    (row,) = [
        r
        for r in evaluation.rows
        if (r.arm, r.question_id, r.metric, r.form, r.weighted, r.split, r.level, r.arm_b)
        == (arm, question, metric, form, weighted, split, None, None)
    ]
    return row


def test_accuracy_of_an_imported_arm_is_matches_over_eligible_exactly(evaluated):
    folder, _, found = evaluated
    truth, answers = np.asarray(folder.truth["Q1"]), np.asarray(folder.arms["earlier"]["Q1"].answers)

    row = value(found, "earlier", "Q1", "accuracy", "strict", weighted=False)

    assert row.value == (truth == answers).sum() / (truth != NO_ANSWER).sum()
    assert row.interval.low < row.value < row.interval.high


def test_coverage_counts_every_task(evaluated):
    folder, _, found = evaluated
    refused = int((np.asarray(folder.truth["Q2"]) == NO_ANSWER).sum())

    counts = {
        name: value(found, "good", "Q2", name, weighted=False).value
        for name in ("n_total", "n_eligible", "n_human_refused", "n_valid")
    }

    assert counts == {"n_total": N, "n_eligible": N - refused, "n_human_refused": refused, "n_valid": N - refused}
    unparsed = value(found, "earlier", "Q1", "n_unparsed", weighted=False).value
    assert unparsed == (np.asarray(folder.arms["earlier"]["Q1"].answers) == NO_ANSWER).sum()


def test_constant_arm_is_flagged_with_what_the_logit_does(evaluated):
    _, _, found = evaluated
    flags = value(found, "constant", "Q1", "accuracy", "strict").flags

    assert {"EQUALS_CONSTANT", "COLLAPSED", "NOT_BETTER_THAN_LOGIT"} <= set(flags)
    assert any(re.search(r"constant: EQUALS_CONSTANT on Q1 \(the logit is not\)", line) for line in found.verdict)


def test_good_arm_beats_the_logit_and_earns_no_bad_flag(evaluated):
    _, _, found = evaluated

    assert set(value(found, "good", "Q1", "accuracy", "strict").flags) <= {"BELOW_FLOOR"}
    assert value(found, "good", "Q1", "skill_over_logit", "strict").value > 0


def test_argmax_of_a_logit_on_noise_shares_the_collapse_of_a_constant_arm(tmp_path):
    rng = np.random.default_rng(2)
    truth = np.where(rng.random(N) < 0.75, 1, 2)
    folder = make_folder(
        questions=[variable("Q", [1, 2])],
        truth={"Q": truth},
        arms={"constant": {"Q": ArmRows(np.ones(N, int))}},
        fields={"F": rng.integers(1, 3, N).tolist()},
        numeric=[],
    )

    found = evaluate_run(folder.write(tmp_path), "run-1")

    assert any("COLLAPSED on Q (the logit too)" in line for line in found.verdict)
    logit = [row for row in found.tables[2].rows if row[1] == "logit"]
    assert "COLLAPSED" in logit[0][-1]


def test_baselines_and_humans_have_rows_of_their_own(evaluated):
    _, _, found = evaluated

    arms = {row.arm for row in found.rows}

    assert arms == {
        "good", "constant", "earlier", "human",
        "baseline:majority", "baseline:logit", "baseline:gbdt", "baseline:marginal", "baseline:uniform",
    }  # fmt: skip
    human = [row.value for row in found.rows if row.arm == "human" and row.metric == "share" and row.weighted]
    assert sum(human) == pytest.approx(2)  # two questions


def test_macro_is_the_mean_over_the_questions_of_the_arm(evaluated):
    _, _, found = evaluated
    parts = [value(found, "good", q, "accuracy", "strict").value for q in ("Q1", "Q2")]

    row = value(found, "good", None, "accuracy", "strict")

    assert row.value == pytest.approx(np.mean(parts))
    assert row.n == 2
    assert row.interval.low < row.value < row.interval.high


def test_parquet_and_json_hold_the_same_numbers(evaluated):
    _, store, found = evaluated
    table = pq.read_table(store.path(run_paths.evaluation("run-1", "metrics.parquet")))
    tree = json.loads(store.read_bytes(run_paths.evaluation("run-1", "metrics.json")))

    leaves = [
        ({"*macro": None}.get(q, q), arm, leaf["metric"], leaf["form"], leaf["level"], leaf["weighted"], leaf["value"])
        for q, arms in tree["questions"].items()
        for arm, figures in arms.items()
        for leaf in figures
    ]
    rows = [
        tuple(r[c] for c in ("question_id", "arm", "metric", "form", "level", "weighted", "value"))
        for r in table.to_pylist()
    ]

    assert table.schema.names == tables.METRICS.names
    assert table.schema.metadata[tables.FORMAT_KEY] == str(tables.FORMAT_NO).encode()
    assert sorted(map(repr, leaves)) == sorted(map(repr, rows))
    assert tree["lines"] == found.lines


def test_null_has_a_reason_and_a_number_is_finite(evaluated):
    _, _, found = evaluated

    for row in found.rows:
        assert (row.value is None) == (row.reason is not None), row
        assert row.value is None or math.isfinite(row.value)


def test_metrics_file_opens_in_duckdb(evaluated):
    _, store, _ = evaluated
    path = store.path(run_paths.evaluation("run-1", "metrics.parquet"))

    ((n,),) = duckdb.sql(f"select count(*) from '{path}' where metric = 'tv' and arm = 'good'").fetchall()

    assert n == 6  # two questions and their mean, weighted and not


def test_second_evaluation_gives_the_same_bytes(evaluated):
    _, store, _ = evaluated
    names = [run_paths.evaluation("run-1", name) for name in ("metrics.parquet", "metrics.json")]
    before = [store.read_bytes(name) for name in names]

    evaluate_run(store, "run-1")

    assert [store.read_bytes(name) for name in names] == before


def test_every_metric_name_is_explained(evaluated):
    _, _, found = evaluated
    explained = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")))

    names = {row.metric.removeprefix("argmax_") for row in found.rows}

    assert names - explained == set()


def test_emulator_and_open_tasks_are_said_in_the_first_line(tmp_path):
    rows = make_folder().arms["good"]["Q1"]
    status = ["pending"] * 20 + ["answered"] * (N - 20)
    folder = make_folder(arms={"good": {"Q1": ArmRows(rows.answers, status=status, fingerprint="fp_emulator_x")}})

    found = evaluate_run(folder.write(tmp_path), "run-1")

    assert found.lines[0].startswith("SIMULATED_SERVICE: ")
    assert "20 tasks pending" in found.lines[0]
    assert value(found, "good", "Q1", "n_pending", weighted=False).value == 20


def test_finished_run_on_a_real_service_has_no_warning(evaluated):
    _, _, found = evaluated

    assert found.warnings == []


def test_arm_on_part_of_the_respondents_is_compared_on_its_own_ground(tmp_path):
    whole = make_folder()
    part = np.arange(0, N, 2)
    arms = {"part": {"Q1": ArmRows(whole.truth["Q1"], rows=part)}, "all": {"Q1": ArmRows(whole.truth["Q1"])}}

    found = evaluate_run(make_folder(arms=arms).write(tmp_path), "run-1")

    gap = [r for r in found.rows if r.metric == "difference" and r.arm == "part" and not r.weighted]
    truth = np.asarray(whole.truth["Q1"])
    majority = np.bincount(truth).argmax()
    on_part = [r.value for r in gap if r.arm_b == "baseline:majority" and r.question_id == "Q1"]
    assert on_part == [pytest.approx(1 - np.mean(truth[part] == majority))]


def test_splits_are_scored_on_their_own_respondents(tmp_path):
    folder = make_folder()

    found = evaluate_run(folder.write(tmp_path), "run-1", splits=("all", "test", "validation"))

    truth, answers = np.asarray(folder.truth["Q1"]), np.asarray(folder.arms["good"]["Q1"].answers)
    mine = np.asarray(folder.split) == "test"
    row = value(found, "good", "Q1", "accuracy", "strict", weighted=False, split="test")
    assert row.value == pytest.approx(np.mean(truth[mine] == answers[mine]))
    nobody = value(found, "good", "Q1", "accuracy", "strict", split="validation")
    assert nobody.value is None
    assert nobody.reason == "no respondent with an answer"


def test_probabilities_judge_the_distribution_and_answers_the_collapse(tmp_path):
    truth = np.tile([1, 1, 1, 2, 2], N // 5)
    told = [{1: 0.6, 2: 0.4}] * N
    arms = {"sure": {"Q": ArmRows(np.ones(N, int), probabilities=told)}}
    folder = make_folder(questions=[variable("Q", [1, 2])], truth={"Q": truth}, arms=arms, weights=None)

    found = evaluate_run(folder.write(tmp_path), "run-1")

    assert value(found, "sure", "Q", "tv").value == pytest.approx(0)
    assert value(found, "sure", "Q", "argmax_tv").value == pytest.approx(0.4)
    assert value(found, "sure", "Q", "log_loss").value == pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.4))
    assert "COLLAPSED" in value(found, "sure", "Q", "accuracy", "strict").flags


def test_question_that_nobody_answered_is_undefined_and_not_an_error(tmp_path):
    truth = {"Q1": np.zeros(N, int), "Q2": make_folder().truth["Q2"]}

    found = evaluate_run(make_folder(truth=truth).write(tmp_path), "run-1")

    assert value(found, "good", "Q1", "accuracy", "strict").value is None
    assert value(found, "good", None, "accuracy", "strict").n == 1


def test_store_that_cannot_be_written_keeps_the_earlier_figures(tmp_path):
    store = make_folder().write(tmp_path)
    store.path("run-1/evaluation").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match="write"):
        evaluate_run(store, "run-1")

    assert store.path("run-1/evaluation").read_text() == "a file where the folder should be"


def test_tables_have_as_many_cells_as_headers(evaluated):
    _, _, found = evaluated

    assert [t.title.split()[0] for t in found.tables] == ["Coverage", "Accuracy", "Baselines,"]
    for table in found.tables:
        assert table.rows
        assert all(len(row) == len(table.headers) for row in table.rows)


def test_progress_is_told_in_order(tmp_path):
    told: list[str] = []

    evaluate_run(make_folder().write(tmp_path), "run-1", progress=told.append)

    assert told[0] == "reading predictions"
    assert told[-1] == "writing figures"
