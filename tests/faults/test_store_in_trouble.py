"""A full disk, torn journals, damaged parts and plans: said, nothing half-written, resume goes on."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from schemas.errors import StoreError
from storage.parts import landed_units, read_part
from storage.runs import load_state
from tests.support.fleet import Fleet, running_fleet, study_of
from tests.support.small_disk import fill, small_disk
from tests.support.until import until
from workers.connection import plain
from workers.predictions.compaction import compact

pytestmark = pytest.mark.e2e
FAST = {"latency": {"median_s": 0.05, "sigma": 0.3}}


def test_full_disk_stops_clearly_and_resume_goes_on():
    with running_fleet(n_workers=0, emulator=FAST) as fleet, small_disk(fleet.store.root / "run", 4096) as disk:
        plan_elsewhere(fleet, disk)
        fleet.event("opened")
        for _ in range(2):
            fleet.start_worker()
        fleet.until_bought(30)

        ballast = fill(disk)
        until(lambda: plain(fleet.server.url).get("nightpoll:trouble:run"), deadline_s=60, what="the trouble told")
        bought = fleet.emulator.purchases()["total"]
        assert b"disk is full" in plain(fleet.server.url).get("nightpoll:trouble:run")
        assert [p.name for p in disk.rglob("*.parquet") if p.name.startswith(".")] == []
        for unit in landed_units(fleet.store, "run"):
            assert read_part(fleet.store, "run", unit).num_rows > 0

        ballast.unlink()  # only now can the stop itself be written
        until(lambda: load_state(fleet.store, "run").phase == "stopped", deadline_s=60, what="the run stopped")
        assert load_state(fleet.store, "run").exit_code == 6
        fleet.event("resumed")
        fleet.until_finished()
        assert len(fleet.rows()) == 200
        assert fleet.emulator.purchases()["total"] >= bought
        assert fleet.bought_twice() <= 2 * 16  # answers that came while no byte could be written


def plan_elsewhere(fleet: Fleet, disk: Path) -> None:
    """A run folder that lies on its own file system."""
    fleet.open(study_of(fleet, n_respondents=100, shard_size=20, rpm=1200), run_id="planned")
    os.system(f"cp -r {fleet.store.root}/planned/. {disk}/ && rm -rf {disk}/events {fleet.store.root}/planned")
    manifest = (disk / "run.json").read_text().replace('"planned"', '"run"')
    (disk / "run.json").write_text(manifest)


@pytest.mark.accept
def test_torn_journal_line_is_bought_again_and_nothing_else():
    with running_fleet(n_workers=1, emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=60, shard_size=120, rpm=1200))
        fleet.until_bought(40)
        fleet.kill(fleet.workers[0])
        journal = next(iter(fleet.store.path(run_paths.journal_dir("run")).iterdir()))
        whole = journal.read_bytes().rstrip(b"\n").rsplit(b"\n", 1)
        answered = whole[0].count(b'"k": "a"')
        journal.write_bytes(whole[0] + b"\n" + whole[1][:10])

        fleet.start_worker()
        fleet.until_finished()

        assert len(fleet.rows()) == 120
        assert fleet.bought_twice() <= 40 + 16 - answered


def test_damaged_part_is_named_and_done_again_when_moved_away():
    with running_fleet(n_workers=1, emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=40, shard_size=20))
        fleet.until_finished()
        part = fleet.store.path(run_paths.part("run", "s000001"))
        part.write_bytes(part.read_bytes()[:-50])

        with pytest.raises(StoreError, match="damaged") as told:
            compact(fleet.store, "run")
        assert "part-s000001" in told.value.where

        part.unlink()
        fleet.event("generation", data={"number": 1, "outcomes": ["failed"]})
        fleet.until_finished()
        assert len(fleet.rows()) == 80
        assert fleet.bought_twice() == 20


def test_damaged_plan_stops_the_run_in_one_line():
    with running_fleet(n_workers=1, emulator=FAST) as fleet:
        study = study_of(fleet, n_respondents=40, shard_size=20, rpm=600)
        fleet.workers[0].send_signal(19)
        fleet.open(study)
        plan = fleet.store.path(run_paths.plan("run"))
        plan.write_bytes(plan.read_bytes()[: plan.stat().st_size // 2])
        fleet.workers[0].send_signal(18)
        fleet.until_finished()

        state = load_state(fleet.store, "run")
        assert (state.phase, state.exit_code) == ("stopped", 6)
        assert "damaged" in state.reason
        assert "plan.parquet" in state.reason
        assert fleet.emulator.purchases()["total"] == 0
        with pytest.raises(Exception, match="Parquet"):
            pq.read_table(plan)
