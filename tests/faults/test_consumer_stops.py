"""A consumer that takes no more messages: its worker ends by itself, another one goes on, nothing is bought twice."""

import signal
import subprocess

import pytest

from tests.support.fleet import Fleet, running_fleet, study_of
from tests.support.until import until

pytestmark = pytest.mark.e2e
SLOW = {"latency": {"median_s": 1.0, "sigma": 0.1}}


def stop_and_start_redis(fleet: Fleet) -> None:
    fleet.server.stop(signal.SIGKILL)
    fleet.server.start()


def test_worker_whose_consumer_stopped_ends_and_the_next_one_goes_on():
    with running_fleet(n_workers=1, without=["consumer"]) as fleet:
        fleet.open(study_of(fleet, n_respondents=32, shard_size=16))
        fleet.workers[0].wait(60)
        fleet.workers.clear()
        assert "takes no more messages" in fleet.log_text()

        fleet.without = []
        fleet.start_worker()
        fleet.until_finished()
        assert len(fleet.rows()) == 64
        assert fleet.bought_twice() == 0


@pytest.mark.accept
def test_without_watchdog_a_consumer_that_stopped_keeps_its_worker_idle():
    with running_fleet(n_workers=1, without=["consumer", "watchdog"]) as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=16))
        with pytest.raises(subprocess.TimeoutExpired):
            fleet.workers[0].wait(40)


@pytest.mark.accept
def test_every_slot_is_used_again_after_redis_restarts_while_all_are_busy():
    with running_fleet(n_workers=1, emulator=SLOW) as fleet:
        fleet.open(study_of(fleet, n_respondents=240, shard_size=24))
        for round_no in range(1, 6):
            fleet.until_bought(60 * round_no)
            stop_and_start_redis(fleet)
        n = fleet.emulator.purchases()["total"]
        until(lambda: fleet.emulator.purchases()["total"] >= n + 60, deadline_s=60, what="work after the restarts")
        fleet.until_finished()
        assert len(fleet.rows()) == 480
        assert fleet.bought_twice() == 0
        assert "takes no more messages" not in fleet.log_text()
