"""Three studies in one night: one over the window's end, one over budget, one with a dead endpoint."""

from typing import Any

import pytest

from storage.runs import load_events, load_state
from tests.support.fleet import running_fleet
from tests.support.night import WINDOW, NightRig, rig_of
from tests.support.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.accept, pytest.mark.timeout(600)]

SAME_EACH_TIME = ("study", "state", "late", "exit_code", "requests", "reason")


@pytest.fixture
def dead() -> str:
    """Where nobody answers; the same for all rehearsals of a test."""
    return f"http://127.0.0.1:{free_port()}/v1"


def queue_three(rig: NightRig, dead: str) -> None:
    rig.command("queue", "add", rig.study("broke", budget_usd=0.0008, n_respondents=20), *WINDOW)
    rig.command("queue", "add", rig.study("dead", url=dead, n_respondents=10), *WINDOW)
    long = rig.study("long", n_respondents=60, rpm=1200, shard_size=8)
    rig.command("queue", "add", long, *WINDOW, "--then", "evaluate,report")


def rehearse(rig: NightRig, dead: str) -> tuple[list[Any], list[Any]]:
    """Two nights; what their summaries say, without names of runs and moments."""
    rig.at("2026-11-22T21:58")
    queue_three(rig, dead)
    rig.fleet.start_worker()
    rig.until_state("long", "running")
    sold = rig.fleet.emulator.purchases()["total"]
    rig.fleet.until_bought(sold + 30)
    rig.at("2026-11-23T06:29")
    rig.until_state("long", "drained")
    first = rig.summary("2026-11-22")
    assert not rig.fleet.store.exists(f"{rig.queue().entries[2].run_id}/evaluation/report.html")
    rig.at("2026-11-23T21:59")
    rig.until_state("long", "done", 90)
    rig.at("2026-11-24T06:31")
    second = rig.summary("2026-11-23")
    return told(first), told(second)


def told(summary: dict[str, Any]) -> list[Any]:
    return [{name: entry[name] for name in SAME_EACH_TIME} for entry in summary["entries"]]


def test_three_studies_end_in_their_states_and_the_long_one_goes_on_the_next_night(monkeypatch, dead):
    with running_fleet(n_workers=0, emulator={"latency": {"median_s": 0.1, "sigma": 0.3}}) as fleet:
        rig = rig_of(fleet, monkeypatch)

        try:
            first, second = rehearse(rig, dead)
        finally:
            print(fleet.log_text())  # a failure is told by what the workers said

        assert [(e["study"], e["state"], e["exit_code"]) for e in first] == [
            ("broke", "stopped", 4),
            ("dead", "stopped", 6),
            ("long", "drained", 0),
        ]
        assert [(e["study"], e["state"], e["late"]) for e in second] == [("long", "done", False)]
        long = rig.queue().entries[2].run_id
        kinds = [e.kind for e in load_events(fleet.store, long)]
        assert kinds == ["opened", "paused", "resumed", "finished", "evaluation_asked", "evaluated"]
        assert load_state(fleet.store, long).phase == "finished"
        assert fleet.store.exists(f"{long}/evaluation/report.html")
        assert fleet.bought_twice() == 0


def test_two_rehearsals_of_the_same_nights_tell_the_same(monkeypatch, dead):
    told_by = []
    for _ in range(2):
        with running_fleet(n_workers=0, emulator={"latency": {"median_s": 0.1, "sigma": 0.3}}) as fleet:
            told_by.append(rehearse(rig_of(fleet, monkeypatch), dead))

    assert told_by[0] == told_by[1]
