"""The evaluation as a job of the workers: done once the run has ended, and by another when its worker is killed."""

import json

import pytest

from schemas import run_paths, wire
from storage.runs import load_events, load_state
from tests.support.fleet import Fleet, running_fleet, study_of
from tests.support.until import until
from workers.connection import plain

pytestmark = pytest.mark.e2e
FAST = {"latency": {"median_s": 0.05, "sigma": 0.3}}


def until_evaluated(fleet: Fleet) -> None:
    until(lambda: load_state(fleet.store, "run").evaluation != "asked", deadline_s=120, what="the evaluation")


def metrics(fleet: Fleet) -> dict:
    return json.loads(fleet.store.read_bytes(run_paths.evaluation("run", "metrics.json")))


def test_run_is_evaluated_by_another_worker_when_the_first_is_killed():
    with running_fleet(n_workers=2, emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=60, shard_size=20))
        fleet.event("evaluation_asked", data={"report": True})
        progress = wire.evaluation_progress("run")
        until(lambda: plain(fleet.server.url).get(progress), deadline_s=90, what="the evaluation begun")
        holder = next(worker for worker in fleet.workers if worker.children())
        fleet.kill(holder)

        until_evaluated(fleet)

        assert load_state(fleet.store, "run").evaluation == "done"
        assert [e.kind for e in load_events(fleet.store, "run")].count("evaluated") == 1
        assert metrics(fleet)["run_id"] == "run"
        assert fleet.store.exists(run_paths.evaluation("run", "report.html"))


def test_evaluation_that_cannot_be_done_says_why():
    with running_fleet(n_workers=1, emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=20, shard_size=20))
        fleet.until_finished()
        predictions = fleet.store.path(run_paths.predictions("run"))
        predictions.write_bytes(predictions.read_bytes()[:-40])

        fleet.event("evaluation_asked")
        until_evaluated(fleet)

        state = load_state(fleet.store, "run")
        assert state.evaluation == "failed"
        assert "predictions.parquet" in state.evaluation_note
