"""Outages at full length: service and Redis away for two minutes, quota exhausted, calls of 40 s at SIGTERM."""

import signal
import threading
import time

import pytest

from storage.runs import load_state
from tests.support.fleet import Fleet, running_fleet, study_of
from tests.support.until import until

pytestmark = [pytest.mark.e2e, pytest.mark.accept, pytest.mark.timeout(420)]
FAST = {"latency": {"median_s": 0.05, "sigma": 0.3}}
TWO_MINUTES_S = 120.0


def n_with(fleet: Fleet, *statuses: str) -> int:
    return sum(row["status"] in statuses for row in fleet.rows())


def test_service_down_for_two_minutes_recovers_by_itself():
    with running_fleet(emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=150, shard_size=25, rpm=1200))
        fleet.until_bought(20)

        fleet.emulator.set_faults(error_503=1.0)
        threading.Event().wait(TWO_MINUTES_S)
        fleet.emulator.set_faults()

        fleet.until_finished(deadline_s=120)
        assert n_with(fleet, "answered", "unparsed") == 300
        assert fleet.emulator.stats()["statuses"]["503"] <= 120
        assert fleet.bought_twice() == 0


def test_without_probes_a_service_that_is_down_gets_far_more_calls():
    with running_fleet(without=["probe"], emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=150, shard_size=25, rpm=1200))
        fleet.until_bought(20)

        fleet.emulator.set_faults(error_503=1.0)
        threading.Event().wait(TWO_MINUTES_S)
        fleet.emulator.set_faults()

        fleet.until_finished(deadline_s=120)
        assert fleet.emulator.stats()["statuses"]["503"] > 120


def test_redis_away_for_two_minutes_loses_nothing_and_keeps_the_budget():
    with running_fleet() as fleet:
        fleet.open(study_of(fleet, n_respondents=150, shard_size=25, rpm=1200, budget_usd=0.02))
        fleet.until_bought(40)

        fleet.server.stop(signal.SIGKILL)
        threading.Event().wait(TWO_MINUTES_S)
        fleet.server.start()

        fleet.until_finished(deadline_s=150)
        assert fleet.bought_twice() == 0
        assert len(fleet.rows()) == 300
        assert load_state(fleet.store, "run").phase == "finished"
        assert float(fleet.emulator.purchases()["bill_usd_exact"]) <= 0.02


@pytest.mark.parametrize("said", ["paused", "cancelled"])
def test_order_given_while_redis_is_away_holds_when_it_is_back(said):
    with running_fleet() as fleet:
        fleet.open(study_of(fleet, n_respondents=150, shard_size=25, rpm=1200))
        fleet.until_bought(40)
        fleet.server.stop(signal.SIGKILL)
        fleet.event(said)
        until(lambda: fleet.emulator.purchases()["open"] == 0, deadline_s=30, what="the end of the open calls")
        n = fleet.emulator.purchases()["total"]

        fleet.server.start()

        threading.Event().wait(20)
        assert load_state(fleet.store, "run").phase == said
        assert fleet.emulator.purchases()["total"] == n


def test_exhausted_quota_stops_with_5_and_resume_goes_on():
    with running_fleet(emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=100, shard_size=25, rpm=1200))
        fleet.until_bought(20)

        fleet.emulator.set_faults(insufficient_quota=1.0)
        fleet.until_finished()

        state = load_state(fleet.store, "run")
        assert (state.phase, state.exit_code) == ("stopped", 5)
        fleet.emulator.set_faults()
        fleet.event("resumed")
        fleet.until_finished()
        assert n_with(fleet, "answered", "unparsed") == 200
        assert fleet.bought_twice() == 0


def test_calls_of_40_s_are_drained_within_drain_s():
    with running_fleet(n_workers=0, emulator={"latency": {"median_s": 40.0, "sigma": 0.0}}) as fleet:
        fleet.environ["NIGHTPOLL_DRAIN_S"] = "50"
        worker = fleet.start_worker()
        fleet.open(study_of(fleet, n_respondents=16, shard_size=16, timeout_s=90))
        until(lambda: fleet.emulator.purchases()["open"] >= 1, deadline_s=30, what="open calls")
        threading.Event().wait(2)

        fleet.kill(worker, signal.SIGTERM)
        began_s = time.monotonic()
        worker.wait(70)
        assert time.monotonic() - began_s <= 50 + 5 + 2  # Celery has five seconds more
        fleet.workers.clear()

        fleet.start_worker()
        fleet.until_finished(deadline_s=200)
        assert n_with(fleet, "answered", "unparsed") == 32
        assert fleet.bought_twice() == 0
