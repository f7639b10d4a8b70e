"""A night in which the worker and the queue's server are killed: the entry goes on, its run starts once."""

import signal

import pytest

from storage.runs import list_run_ids, load_events, load_state
from tests.support.fleet import running_fleet
from tests.support.night import WINDOW, rig_of
from tests.support.until import until

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.accept]
EMULATOR = {"latency": {"median_s": 0.1, "sigma": 0.3}}


def test_entry_goes_on_after_worker_and_server_were_killed_and_starts_its_run_once(monkeypatch):
    with running_fleet(n_workers=0, emulator=EMULATOR) as fleet:
        rig = rig_of(fleet, monkeypatch)
        rig.at("2026-11-22T22:30", speed=1.0)
        fleet.start_worker()
        study = rig.study("long", n_respondents=60, rpm=1200, shard_size=8)
        rig.command("queue", "add", study, *WINDOW, "--then", "none")
        fleet.until_bought(10)

        n_open = fleet.kill(fleet.workers[0])
        fleet.start_worker()
        fleet.until_bought(fleet.emulator.purchases()["total"] + 10)
        fleet.server.stop(signal.SIGKILL)
        fleet.server.start()
        until(lambda: fleet.mend() or rig.states()["long"] == "done", deadline_s=90, interval_s=0.2, what="the entry")

        (run_id,) = list_run_ids(fleet.store)
        kinds = [event.kind for event in load_events(fleet.store, run_id)]
        assert run_id == rig.queue().entries[0].run_id
        assert (kinds.count("opened"), kinds.count("paused"), kinds[-1]) == (1, 0, "finished")
        assert load_state(fleet.store, run_id).exit_code == 0
        assert len(fleet.rows(run_id)) == 120
        assert fleet.bought_twice() <= n_open


def test_worker_killed_while_it_plans_the_run_leaves_a_start_to_the_next(monkeypatch):
    with running_fleet(n_workers=0, emulator=EMULATOR) as fleet:
        rig = rig_of(fleet, monkeypatch)
        rig.at("2026-11-22T22:30", speed=1.0)
        rig.command("queue", "add", rig.study("small", n_respondents=8), *WINDOW, "--then", "none")
        for _ in range(2):
            before = rig.queue().entries[0].attempts
            worker = fleet.start_worker()
            until(lambda n=before: rig.queue().entries[0].attempts > n, deadline_s=60, what="an attempt to start")
            fleet.kill(worker)
        fleet.start_worker()
        rig.until_state("small", "done", 90)

        (run_id,) = list_run_ids(fleet.store)
        assert [event.kind for event in load_events(fleet.store, run_id)].count("opened") == 1
        assert len(fleet.rows(run_id)) == 16
