"""What an evaluation leaves behind: files, tables, progress."""

import json
import math
import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from evaluation.job import evaluate_run
from schemas import run_paths, tables
from schemas.errors import StoreError
from tests.support.job_folder import make_folder

ROOT = Path(__file__).resolve().parents[3]


def test_parquet_and_json_hold_the_same_numbers(evaluated_job):
    _, store, found = evaluated_job
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


def test_null_has_a_reason_and_a_number_is_finite(evaluated_job):
    _, _, found = evaluated_job

    for row in found.rows:
        assert (row.value is None) == (row.reason is not None), row
        assert row.value is None or math.isfinite(row.value)


def test_metrics_file_opens_in_duckdb(evaluated_job):
    _, store, _ = evaluated_job
    path = store.path(run_paths.evaluation("run-1", "metrics.parquet"))

    ((n,),) = duckdb.sql(f"select count(*) from '{path}' where metric = 'tv' and arm = 'good'").fetchall()

    assert n == 6  # two questions and their mean, weighted and not


def test_second_evaluation_gives_the_same_bytes(evaluated_job):
    _, store, _ = evaluated_job
    names = [run_paths.evaluation("run-1", name) for name in ("metrics.parquet", "metrics.json")]
    before = [store.read_bytes(name) for name in names]

    evaluate_run(store, "run-1")

    assert [store.read_bytes(name) for name in names] == before


def test_every_metric_name_is_explained(evaluated_job):
    _, _, found = evaluated_job
    explained = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")))

    names = {row.metric.removeprefix("argmax_") for row in found.rows}

    assert names - explained == set()


def test_store_that_cannot_be_written_keeps_the_earlier_figures(tmp_path):
    store = make_folder().write(tmp_path)
    store.path("run-1/evaluation").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match="write"):
        evaluate_run(store, "run-1")

    assert store.path("run-1/evaluation").read_text() == "a file where the folder should be"


def test_tables_have_as_many_cells_as_headers(evaluated_job):
    _, _, found = evaluated_job

    assert [t.title.split()[0] for t in found.tables] == ["Coverage", "Accuracy", "Baselines,"]
    for table in found.tables:
        assert table.rows
        assert all(len(row) == len(table.headers) for row in table.rows)


def test_progress_is_told_in_order(tmp_path):
    told: list[str] = []

    evaluate_run(make_folder().write(tmp_path), "run-1", progress=told.append)

    assert told[0] == "reading predictions"
    assert told[-1] == "writing figures"
