import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import run_paths, tables
from schemas.errors import ExitCode, StoreError
from storage.runs import append_event
from storage.store import Store
from tests.support.plans import land_answers, make_run
from workers.predictions.compaction import compact


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def predictions(store: Store, run_id: str = "r") -> pa.Table:
    return pq.read_table(store.path(run_paths.predictions(run_id)))


def n_tasks(store: Store) -> int:
    return pq.read_metadata(store.path(run_paths.tasks("r"))).num_rows


def test_every_task_has_exactly_one_row_in_task_order(store):
    make_run(store, "r", n=12)
    land_answers(store, "r")

    compacted = compact(store, "r")

    rows = predictions(store)
    tasks = pq.read_table(store.path(run_paths.tasks("r")))
    assert rows["task_id"].to_pylist() == tasks["task_id"].to_pylist()
    assert rows.schema.names == tables.PREDICTIONS.names
    assert compacted.statuses == {"answered": n_tasks(store)}
    assert compacted.exit_code is ExitCode.DONE


def test_sum_of_cost_is_the_sum_over_requests(store):
    make_run(store, "r", n=12)
    ids = land_answers(store, "r", cost_usd=0.0017)

    compact(store, "r")

    rows = predictions(store)
    assert math.fsum(rows["cost_usd"].to_pylist()) == pytest.approx(0.0017 * len(ids), abs=1e-12)
    assert sum(1 / n for n in rows["shared_by"].to_pylist()) == pytest.approx(len(ids))


def test_open_tasks_are_pending_and_cancelled_in_a_cancelled_run(store):
    make_run(store, "r", n=12)
    append_event(store, "r", "opened")
    assert compact(store, "r").statuses == {"pending": n_tasks(store)}
    append_event(store, "r", "cancelled")
    assert compact(store, "r").statuses == {"cancelled": n_tasks(store)}


def test_best_outcome_wins_and_every_call_is_charged(store):
    make_run(store, "r", n=12)
    ids = land_answers(store, "r", outcome="failed", turns=[], error_code="timeout", cost_usd=0.1)
    land_answers(store, "r", unit="s000000.g1", cost_usd=0.2, attempts=2)

    compact(store, "r")

    rows = predictions(store)
    assert set(rows["status"].to_pylist()) == {"answered"}
    assert set(rows["error_code"].to_pylist()) == {None}
    assert set(rows["attempts"].to_pylist()) == {3}
    assert math.fsum(rows["cost_usd"].to_pylist()) == pytest.approx(0.3 * len(ids))


def test_earliest_of_equal_outcomes_wins(store):
    make_run(store, "r", n=12)
    land_answers(store, "r", turns=["1"])
    land_answers(store, "r", unit="s000000.g1", turns=["2"], created_at=pa.scalar(0, pa.timestamp("us", "UTC")).as_py())
    compact(store, "r")
    assert set(predictions(store)["answer_text"].to_pylist()) == {"2"}


def test_prose_with_a_digit_is_unparsed_with_a_reason(store):
    make_run(store, "r", n=12)
    land_answers(store, "r", turns=["I am 42"])
    compact(store, "r")
    rows = predictions(store)
    assert set(rows["status"].to_pylist()) == {"unparsed"}
    assert set(rows["error_code"].to_pylist()) == {"no_code"}
    assert set(rows["answer"].to_pylist()) == {None}


def test_failed_requests_give_exit_code_3(store):
    make_run(store, "r", n=12)
    land_answers(store, "r", outcome="failed", turns=[], error_code="timeout")
    assert compact(store, "r").exit_code is ExitCode.TASKS_FAILED


def test_part_of_a_foreign_request_is_refused(store):
    make_run(store, "r", n=12)
    land_answers(store, "r")
    path = store.path(run_paths.part("r", "s000000"))
    table = pq.read_table(path)
    foreign = table.set_column(0, table.schema.field(0), pa.array(["f" * 32] * table.num_rows))
    path.unlink()
    pq.write_table(foreign, path)
    with pytest.raises(StoreError, match="not in the plan"):
        compact(store, "r")
