"""Seeded random schedules of faults over one fleet: rows = tasks, bought twice at most what was open at each kill."""

import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from storage.runs import load_state
from tests.support.fleet import Fleet, running_fleet, study_of
from tests.support.until import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
FIRST_SEED = int(os.environ.get("NIGHTPOLL_SOAK_FIRST", "0"))
N_SCHEDULES = int(os.environ.get("NIGHTPOLL_SOAK_SCHEDULES", "3"))
N_RESPONDENTS = 60


class Schedule:
    """A few faults, chosen and timed by a seed; knows how many answers may have been bought twice."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.rng = Random(seed)
        self.allowed = 0
        self.done: list[str] = []

    def play(self) -> None:
        for _ in range(self.rng.randint(1, 3)):
            threading.Event().wait(self.rng.uniform(0.2, 1.5))
            act = self.rng.choice(self._acts())
            self.fleet.mend()
            self.done.append(act.__name__)
            act()

    def _acts(self) -> list[Callable[[], None]]:
        return [
            self.kill_one,
            self.kill_all,
            self.drain_one,
            self.kill_redis,
            self.wipe_redis,
            self.stop_one,
            self.storm,
        ]

    def _allow(self, n_open: int) -> None:
        self.allowed += n_open

    def kill_one(self) -> None:
        self._allow(self.fleet.kill(self.rng.choice(self.fleet.workers)))
        self.fleet.start_worker()

    def kill_all(self) -> None:
        for worker in list(self.fleet.workers):
            self._allow(self.fleet.kill(worker))
        for _ in range(2):
            self.fleet.start_worker()

    def drain_one(self) -> None:
        worker = self.rng.choice(self.fleet.workers)
        self.fleet.kill(worker, signal.SIGTERM)
        worker.wait(30)
        self.fleet.workers.remove(worker)
        self.fleet.start_worker()

    def kill_redis(self) -> None:
        self.fleet.server.stop(signal.SIGKILL)
        threading.Event().wait(self.rng.uniform(0, 2))
        self.fleet.server.start()

    def wipe_redis(self) -> None:
        self.fleet.server.stop(signal.SIGKILL)
        shutil.rmtree(self.fleet.server.folder / "appendonlydir")
        self.fleet.server.start()

    def stop_one(self) -> None:
        worker = self.rng.choice(self.fleet.workers)
        self._allow(self.fleet.kill(worker, signal.SIGSTOP))
        threading.Event().wait(self.rng.uniform(1, 9))
        worker.send_signal(signal.SIGCONT)

    def storm(self) -> None:
        self.fleet.emulator.set_faults(error_503=0.5, rate_limited=0.2)
        threading.Event().wait(self.rng.uniform(0.5, 2))
        self.fleet.emulator.set_faults()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with running_fleet(emulator={"latency": {"median_s": 0.15, "sigma": 0.4}}) as fleet:
        yield fleet


def has_ended(fleet: Fleet, run_id: str) -> bool:
    fleet.mend()
    return load_state(fleet.store, run_id).phase not in ("running", "planned")


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + N_SCHEDULES))
def test_random_faults_lose_nothing(fleet, seed):
    run_id = f"soak{seed}"
    before = Counter(fleet.emulator.purchases()["by_id"])
    fleet.open(study_of(fleet, n_respondents=N_RESPONDENTS, shard_size=15, salt=run_id, rpm=2400), run_id=run_id)
    until(lambda: fleet.emulator.purchases()["total"] > before.total(), deadline_s=60, what="the first purchase")

    schedule = Schedule(fleet, seed)
    schedule.play()
    until(lambda: has_ended(fleet, run_id), deadline_s=150, interval_s=0.2, what="the end of the run")

    bought = Counter(fleet.emulator.purchases()["by_id"]) - before
    twice = sum(n - 1 for n in bought.values() if n > 1)
    statuses = Counter(r["status"] for r in fleet.rows(run_id))
    n_plan = pq.read_metadata(fleet.store.path(run_paths.plan(run_id))).num_rows
    assert load_state(fleet.store, run_id).phase == "finished", schedule.done
    assert statuses.total() == 2 * N_RESPONDENTS, schedule.done
    assert statuses["failed"] + statuses["pending"] == 0, (schedule.done, statuses)
    assert len(bought) == n_plan, schedule.done
    assert twice <= schedule.allowed, schedule.done
