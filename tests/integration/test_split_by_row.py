"""A study that replicates one which split by row: rows leak, everything says so, and no promotion rests on it."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evaluation.inference.held_out import held_out
from evaluation.job import evaluate_run
from finetuning.preparing.prepare import PrepareOptions, prepare
from producer.check import check
from producer.plan import plan_run
from producer.prompting.prompt_preview import preview
from schemas.errors import StudyError
from storage.store import Store
from tests.support.cli_runs import land, open_run
from tests.support.small_study import STUDY, write_study
from workers.predictions.compaction import compact

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BY_ROW = STUDY.replace("split: {", "split: {by: row, replicates: the study of 2024, ")


def test_split_by_row_is_refused_without_a_study_that_it_replicates(tmp_path: Path) -> None:
    path = write_study(tmp_path, study=STUDY.replace("split: {", "split: {by: row, "))

    with pytest.raises(StudyError, match="name it with `replicates`"):
        check(path, environ={})


def test_replicates_without_a_split_by_row_is_refused(tmp_path: Path) -> None:
    path = write_study(tmp_path, study=STUDY.replace("split: {", "split: {replicates: x, "))

    with pytest.raises(StudyError, match="goes with `by: row`"):
        check(path, environ={})


def test_split_by_row_is_told_by_check_and_has_no_memory(tmp_path: Path) -> None:
    memory = "groups: {both: [MOOD, NEWS]}\narms:\n  m: {model: mini, strategy: basic, memory: true}\n"
    checked = check(write_study(tmp_path, study=BY_ROW.split("arms:")[0] + memory), environ={})

    told = {problem.code: problem for problem in checked.problems}
    assert "as in the study of 2024" in told["split_by_row"].what
    assert told["memory_by_row"].level == "error"


def test_each_answer_has_its_own_split_and_people_stand_in_several(tmp_path: Path) -> None:
    store = planned(tmp_path, n=200)

    rows = pq.read_table(store.path("run/tasks.parquet"), columns=["respondent_id", "question_id", "arm", "split"])
    splits = defaultdict(set)
    for row in rows.to_pylist():
        splits[row["respondent_id"]].add(row["split"])
    share = sum(row["split"] == "test" for row in rows.to_pylist()) / len(rows)
    assert share == pytest.approx(0.2, abs=0.05)
    assert sum(len(found) > 1 for found in splits.values()) > 50
    assert pq.read_table(store.path("run/respondents.parquet"))["split"].unique().to_pylist() == ["row"]
    assert planned(tmp_path / "again", n=200).read_bytes("run/tasks.parquet") == store.read_bytes("run/tasks.parquet")


def test_examples_are_training_rows_of_the_question_and_never_the_respondents_own(tmp_path: Path) -> None:
    checked = check(write_study(tmp_path, study=BY_ROW), environ={})

    shown = preview(checked, respondent_id="101", question_id="MOOD", arm="few_shot").messages

    assert len([message for message in shown if message["role"] == "assistant"]) == 2
    assert sum("You are 21 years" in message["content"] for message in shown) == 1


def test_training_files_hold_the_rows_of_people_who_are_tested_on_others(tmp_path: Path) -> None:
    store = planned(tmp_path, n=200)

    manifest = prepare(store, "run", "basic", tmp_path / "t", options=PrepareOptions(), now=NOW)

    tasks = pq.read_table(store.path("run/tasks.parquet")).to_pylist()
    of_arm = [row for row in tasks if row["arm"] == "basic"]
    assert manifest.split_by == "row"
    assert manifest.training.n_lines == sum(row["split"] == "train" for row in of_arm)
    tested = {row["respondent_id"] for row in of_arm if row["split"] == "test"}
    assert len(tested & set(manifest.training_ids)) > 40
    assert json.loads((tmp_path / "t" / "manifest.json").read_text())["split_by"] == "row"


def test_evaluation_says_it_first_and_marks_who_was_trained_on(tmp_path: Path) -> None:
    study = BY_ROW.split("arms:")[0] + "arms:\n  basic: {model: mini, strategy: basic}\n"
    store = open_run(write_study(tmp_path, study=study, n=200), tmp_path / "runs", run_id="run")
    land(store, "run", lambda row: {"turns": [str(1 + int(row["request_id"], 16) % 2)]})
    compact(store, "run")
    tested = pq.read_table(store.path("run/tasks.parquet")).to_pylist()
    trained = {row["respondent_id"] for row in tested if row["split"] == "train"}

    found = evaluate_run(store, "run", splits=("test",), tuned_on={"basic": trained})
    nobody_left = evaluate_run(store, "run", splits=("test",), tuned_on={"basic": {r["respondent_id"] for r in tested}})

    assert "SPLIT_BY_ROW: people stand in training and in test" in found.warnings[0]
    assert "as in the study of 2024" in found.warnings[0]
    assert any(line.startswith("basic: IN_SAMPLE") for line in found.verdict)
    assert any(row.split == "held_out" for row in found.rows)
    assert held_out(found, "basic", "baseline:majority").n_in_sample > 0  # a promotion on this is unsound
    assert nobody_left.warnings == found.warnings


def planned(folder: Path, n: int) -> Store:
    checked = check(write_study(folder, study=BY_ROW, n=n), environ={})
    store = Store(folder / "runs")
    plan_run(checked, out_dir=store.path("run"), run_id="run", created_at=NOW)
    return store
