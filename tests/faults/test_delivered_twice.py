"""One shard delivered twice at once, and SIGTERM in mid-run: nothing is bought twice."""

import signal
import threading
import time

import pytest

from producer.enqueue import ShardMessage, celery_app, publish
from schemas import wire
from tests.support.fleet import Fleet, running_fleet, study_of
from workers.connection import broker_url

pytestmark = pytest.mark.e2e
SLOW = {"latency": {"median_s": 1.0, "sigma": 0.1}}


def deliver_again(fleet: Fleet, n_shards: int) -> None:
    """What a visibility timeout shorter than a shard does: every message once more."""
    app = celery_app(broker_url(fleet.server.url))
    publish(app, [ShardMessage("run", shard, 0) for shard in range(n_shards)])
    app.close()


@pytest.mark.parametrize(
    ("without", "twice"),
    [
        pytest.param([], False, id="with-lock"),
        pytest.param(["lock", "recheck"], True, id="without-lock", marks=pytest.mark.accept),
    ],
)
def test_shard_delivered_twice_is_worked_on_once(without, twice):
    with running_fleet(without=without, emulator=SLOW) as fleet:
        fleet.open(study_of(fleet, n_respondents=40, shard_size=40))
        fleet.until_bought(5)

        deliver_again(fleet, n_shards=2)

        fleet.until_finished()
        assert (fleet.bought_twice() > 0) == twice


def test_sigterm_drains_and_buys_nothing_twice():
    with running_fleet(emulator=SLOW) as fleet:
        fleet.open(study_of(fleet, n_respondents=60, shard_size=30))
        fleet.until_bought(10)
        worker = fleet.workers[0]

        fleet.kill(worker, signal.SIGTERM)
        worker.wait(20)
        fleet.workers.remove(worker)

        fleet.until_finished()
        assert len(fleet.rows()) == 120
        assert fleet.bought_twice() == 0


def test_stopped_worker_that_wakes_up_calls_no_more():
    with running_fleet(emulator=SLOW) as fleet:
        fleet.open(study_of(fleet, n_respondents=60, shard_size=60))
        fleet.until_bought(10)

        n_open = fleet.kill(fleet.workers[0], signal.SIGSTOP)
        fleet.until_bought(110)
        fleet.workers[0].send_signal(signal.SIGCONT)

        fleet.until_finished()
        assert len(fleet.rows()) == 120
        assert fleet.bought_twice() <= n_open


@pytest.mark.accept
def test_stopped_worker_that_wakes_up_keeps_to_the_quota():
    """Turns that were handed out before the stop are given back, not caught up."""
    rpm, pause = 6000, threading.Event()
    with running_fleet(emulator={"latency": {"median_s": 0.2, "sigma": 0.1}}) as fleet:
        fleet.open(study_of(fleet, n_respondents=1500, shard_size=50, rpm=rpm))
        fleet.until_bought(200)

        n_open = fleet.kill(fleet.workers[0], signal.SIGSTOP)
        pause.wait(2 * wire.LOCK_LEASE_S)
        woken_s = int(time.time())
        fleet.workers[0].send_signal(signal.SIGCONT)

        fleet.until_finished()
        per_s = {int(s): n["arrived"] for s, n in fleet.emulator.stats()["per_second"].items()}
        assert len(fleet.rows()) == 3000
        assert fleet.bought_twice() <= n_open
        assert max(per_s.values()) <= 1.1 * rpm / 60, per_s
        assert woken_s < max(per_s), "it was woken before the end"
