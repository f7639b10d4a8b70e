"""Commands that leave a run to workers say it when there is none."""

import json
import secrets

import pytest

from cli.presence import NO_WORKER
from tests.support.studies import write_study
from workers import connection
from workers.beats import beat

pytestmark = pytest.mark.redis
CLOSED = ("--window", "00:00-00:01", "--timezone", "Pacific/Kiritimati")


@pytest.fixture
def study(tmp_path, redis_url, monkeypatch, store):
    monkeypatch.setenv("NIGHTPOLL_REDIS_URL", redis_url)
    return write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=8)


@pytest.fixture
def worker(redis_url):
    """Beats once; it counts as living for some seconds more."""
    return lambda: beat(connection.plain(redis_url), secrets.token_hex(4), 4)


def said(done):
    return NO_WORKER in " ".join(done.err.split())


def test_detached_run_and_queue_without_a_worker_say_so(nightpoll, study, worker):
    lines = [("run", study, "--yes", "--detach"), ("queue", "add", study, *CLOSED), ("queue", "list"), ("status",)]

    without = [said(nightpoll(*line)) for line in lines]
    worker()
    with_one = [said(nightpoll(*line)) for line in lines]

    assert without == [True] * 4
    assert with_one == [False] * 4


def test_doctor_counts_the_shards_that_workers_take(nightpoll, study, worker):
    def workers():
        found = json.loads(nightpoll("doctor", study, "--json").out)["findings"]
        return next(f for f in found if f["about"] == "workers")

    assert workers()["state"] == "warning"
    worker()
    assert (workers()["state"], workers()["detail"]) == ("ok", "they take 4 shards at a time")
