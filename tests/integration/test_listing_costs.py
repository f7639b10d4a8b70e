"""What looks at a bucket cost: listings are its dearest requests, and those who look do so all day."""

import os
import time
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from schemas.models import Model
from schemas.settings import Settings
from schemas.tuning import TuningLedger
from storage.objects import bucket
from storage.runs import append_event
from storage.store import open_store
from storage.tuning_records import change_ledger
from tests.support.object_services import s3_service
from workers import connection
from workers.metrics import StoreCollector
from workers.nights.clock import NightClock
from workers.prune import prunable
from workers.tuning_poll import TuningPoll

N_RUNS = 6


@pytest.fixture
def store(tmp_path, monkeypatch):
    with s3_service(tmp_path / "log") as service:
        for name, value in service.environ().items():
            monkeypatch.setenv(name, value)
        store = open_store(service.uri, tmp_path / "here")
        for n in range(N_RUNS):
            store.put_if_absent(f"run{n}/run.json", b"{}")
            append_event(store, f"run{n}", "opened")
            append_event(store, f"run{n}", "paused", {"reason": "for the night"})
        yield store


@pytest.fixture
def asked(store, monkeypatch):
    """Requests since it was cleared, by kind."""
    counts = Counter()

    def counted(name):
        plain = getattr(bucket.obstore, name)

        def one(*words, **more):
            counts[name] += 1
            return plain(*words, **more)

        monkeypatch.setattr(bucket.obstore, name, one)

    for name in ("list_with_delimiter", "list", "get", "head"):
        counted(name)
    return counts


def test_metrics_do_not_list_runs_that_rest_again_at_every_scrape(store, asked, redis_url):
    collector = StoreCollector(store, connection.plain(redis_url), NightClock.of(Settings()))

    def scraped():
        collector._seen_s = -1000.0
        asked.clear()
        families = {f.name: f for f in collector.collect()}
        phases = {sample.labels["state"]: sample.value for sample in families["nightpoll_runs"].samples}
        return phases, asked["list_with_delimiter"]

    (first, at_first), (again, later) = scraped(), scraped()
    append_event(store, "run0", "resumed")
    plain = SimpleNamespace(study=SimpleNamespace(budget=SimpleNamespace(run_usd=None)), models={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collector._open_runs, "look_at", lambda *_, **__: None)
        patch.setattr("workers.metrics.load_manifest", lambda *_: plain)
        after, _ = scraped()

    assert first == again == {"paused": N_RUNS}
    assert after == {"paused": N_RUNS - 1, "running": 1}
    assert at_first > 2 * N_RUNS
    assert later <= 3  # runs, overnight queue


def test_prune_fetches_documents_and_no_large_file_beside_the_runs(store, asked, tmp_path):
    with store.writing(".nightpoll/tuning/results/x.csv") as scratch:
        scratch.write_text("step,loss\n")
    store.put_if_absent(".nightpoll/registry/r000000001.json", b'{"a": "run1"}')
    asked.clear()

    prunable(store, now=datetime.now(UTC), older_than_days=90)

    assert not list(tmp_path.rglob("*.csv"))


def test_plans_that_died_on_this_host_are_found_though_the_store_is_elsewhere(store):
    dead = store.path(".nightpoll/staging/abc")
    dead.mkdir(parents=True)
    (dead / "plan.parquet").write_bytes(b"x" * 100)
    os.utime(dead, (time.time() - 3 * 86400,) * 2)

    (found,) = prunable(store, now=datetime.now(UTC), older_than_days=90)

    assert (found.path, found.n_bytes) == (".nightpoll/staging/abc", 100)


def test_keeper_reads_fine_tuning_jobs_that_are_over_once(store, asked):
    entry = Model.model_validate(
        {"provider": "openai", "model": "m", "deployments": [{"name": "d", "base_url": "http://127.0.0.1:9", "rpm": 1}]}
    )
    for n in range(N_RUNS):
        job = TuningLedger(
            key=f"k{n}", entry_name="m", entry=entry, model="m", created_at=datetime.now(UTC), state="succeeded"
        )
        change_ledger(store, job.key, lambda _, job=job: job)
    poll = TuningPoll(store, {})
    poll.look_at_all()
    asked.clear()

    poll.look_at_all()

    assert asked == {"list_with_delimiter": 1}
