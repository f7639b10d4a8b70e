"""Redis killed, wiped or away in mid-run: no row lost and nothing bought twice."""

import shutil
import signal
import threading

import pytest

from tests.support.fleet import Fleet, running_fleet, study_of

pytestmark = pytest.mark.e2e
N_REQUESTS = 160


def complete(fleet: Fleet) -> bool:
    rows = fleet.rows()
    return len(rows) == N_REQUESTS and {r["status"] for r in rows} <= {"answered", "unparsed"}


def kill_and_restart(fleet: Fleet, *, wiped: bool, away_s: float = 0.5) -> None:
    fleet.server.stop(signal.SIGKILL)
    if wiped:
        shutil.rmtree(fleet.server.folder / "appendonlydir")
    threading.Event().wait(away_s)
    fleet.server.start()


@pytest.mark.parametrize("wiped", [pytest.param(False, id="killed"), pytest.param(True, id="killed-and-wiped")])
def test_nothing_is_bought_twice_when_redis_is_lost(wiped):
    with running_fleet() as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=20))
        fleet.until_bought(30)

        kill_and_restart(fleet, wiped=wiped)

        fleet.until_finished()
        assert complete(fleet)
        assert fleet.bought_twice() == 0


def test_nothing_is_bought_twice_when_redis_forgets_while_it_runs():
    with running_fleet() as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=20))
        fleet.until_bought(30)

        fleet.server.wipe()

        fleet.until_finished()
        assert complete(fleet)
        assert fleet.bought_twice() == 0


@pytest.mark.accept
def test_without_lock_and_probation_a_wiped_redis_buys_twice():
    slow = {"latency": {"median_s": 1.5, "sigma": 0.1}}
    with running_fleet(without=["lock", "recheck"], emulator=slow) as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=80))
        fleet.until_bought(10)

        fleet.server.wipe()

        fleet.until_finished()
        assert fleet.bought_twice() > 0
