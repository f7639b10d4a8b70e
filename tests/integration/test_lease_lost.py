"""A holder of a lease that is stopped (SIGSTOP) past its end: another takes its place, and it begins nothing more.

Each case is a process that stops itself in the worst moment, after its last look at the lease.
"""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from celery import Celery

from schemas import wire
from schemas.errors import LockLostError
from schemas.overnight import QueueEntry
from schemas.settings import Settings
from storage.runs import load_events, load_state
from storage.store import open_store
from tests.support.batch_desk import BatchDesk, batch_desk
from tests.support.cli_runs import land, open_run, planned_run
from tests.support.emulator import running_emulator
from tests.support.studies import write_study
from tests.support.until import until
from workers import connection
from workers.keeper import Keeper
from workers.nights.entries import change_queue, read_queue
from workers.nights.start import start
from workers.predictions.request_index import task_batches
from workers.shards import locks
from workers.sole import Lease

LEASE_S = 1.0
KEY = wire.sole_lease("x.lock")


REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def short(monkeypatch, redis_url):
    """Leases of a second, on a server that may grant them at once."""
    monkeypatch.setattr(wire, "LOCK_LEASE_S", LEASE_S)
    monkeypatch.setattr(wire, "LOCK_RENEW_S", LEASE_S / 5)
    locks.vouch(connection.plain(redis_url))
    return redis_url


@contextmanager
def stopped(kind, *words):
    """A process of `tests.support.stopping` that has stopped itself while it held the lease."""
    command = [sys.executable, "-m", "tests.support.stopping", kind, *map(str, words)]
    process = subprocess.Popen(command, cwd=REPO)
    seen = psutil.Process(process.pid)
    try:
        until(
            lambda: process.poll() is not None or seen.status() == psutil.STATUS_STOPPED,
            deadline_s=40, what="the holder to stop",
        )  # fmt: skip
        assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()


def goes_on(process):
    os.kill(process.pid, signal.SIGCONT)
    return process.wait(60)


def taken(redis_url):
    """The lease, once the stopped holder's has run out."""
    lease = Lease(connection.plain(redis_url), KEY)
    until(lease.try_exclusive, deadline_s=30, what="the lease of the stopped holder")
    return lease


def test_batch_is_not_made_by_a_holder_that_was_stopped_before_it_could_make_it(short, tmp_path):
    with running_emulator(batch_speed=2000.0) as shop:
        desk = batch_desk(tmp_path, shop, salt="stopped")
        with stopped("batch", short, desk.store.uri) as first:
            lease = taken(short)
            BatchDesk(open_store(desk.store.uri), desk.settings).work()
            n_made = shop.batches()["created"]
            lease.close()
            goes_on(first)

            assert shop.batches()["created"] == n_made == len(desk.ledgers())
        assert shop.purchases()["repeated"] == 0
        assert desk.state().is_active
        assert len(desk.rows()) == 24


@pytest.mark.accept
def test_batch_that_was_made_too_late_is_taken_back_by_who_made_it(short, tmp_path):
    """Stopped after its last look at the lease: nothing but the ledger can tell."""
    with running_emulator(batch_speed=2000.0) as shop:
        shop.set_batch_faults(validating_s=60_000)
        desk = batch_desk(tmp_path, shop, salt="late", lines=24)
        with stopped("batch-late", short, desk.store.uri) as first:
            lease = taken(short)
            second = BatchDesk(open_store(desk.store.uri), desk.settings)
            second.work(until=lambda _, ledgers: all(ledger.state == "created" for ledger in ledgers))
            lease.close()
            goes_on(first)
            states = {batch["id"]: batch["status"] for batch in shop.batches()["batches"]}
        (ledger,) = desk.ledgers()

        assert states.pop(ledger.batch_id) == "validating"
        assert list(states.values()) in (["cancelled"], ["cancelling"])
        assert desk.state().is_active


def test_run_of_the_overnight_queue_is_not_opened_a_second_time(short, tmp_path):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=12)
    store = open_store(str(tmp_path / "runs"))
    entry = QueueEntry(id="1", study=str(study), name="s", run_id="r", added_at="2026-11-22T22:00:00Z")
    change_queue(store, lambda queue: queue.model_copy(update={"entries": [entry]}))
    with stopped("night", short, store.uri) as first:
        taken(short).close()
        start(store, Settings(store=store.uri), "1")
        assert goes_on(first) == 7

    assert [event.kind for event in load_events(store, "r")].count("opened") == 1
    assert read_queue(store).entry("1").state == "waiting"  # not failed: the keeper notes that its run works


@pytest.mark.accept
def test_command_opens_no_run_that_another_one_opened_meanwhile(short, tmp_path):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=12)
    store = planned_run(study, tmp_path / "runs")
    with stopped("open", short, store.uri) as first:
        taken(short).close()
        assert goes_on(first) == 7

    assert load_events(store, "r") == []


@pytest.mark.accept
def test_lease_that_was_lost_stays_lost_though_it_is_free_again(short):
    with stopped("again", short) as first:
        taken(short).close()

        assert goes_on(first) == 7


def test_keeper_that_lost_its_lease_in_the_middle_of_a_compaction_writes_nothing_over_its_successors(
    short, tmp_path, monkeypatch
):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=12)
    store = open_run(study, tmp_path / "runs")
    land(store, "r", lambda _: {})
    keeper, now_s = Keeper(store, connection.plain(short), Celery(), clock=lambda: now_s[0]), [0.0]
    assert keeper._lead()
    successor = connection.plain(short)

    def stopped_while(*words):
        successor.set(wire.keeper_lease(), "another")  # granted while this one was stopped
        now_s[0] += wire.KEEPER_LEASE_S + 1
        with store.writing("r/predictions.parquet") as scratch:
            scratch.write_bytes(b"of the successor")
        return task_batches(*words)

    monkeypatch.setattr("workers.predictions.compaction.task_batches", stopped_while)
    with pytest.raises(LockLostError):
        keeper._finish("r", load_state(store, "r"))

    assert store.read_bytes("r/predictions.parquet") == b"of the successor"
    assert load_state(store, "r").is_active
