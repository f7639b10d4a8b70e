"""Commands that leave a run to workers say it when there is none."""

import json
import secrets

import pytest

from cli.presence import NO_WORKER, WRONG_STORE
from schemas import wire
from schemas.errors import ExitCode
from storage.identity import identity
from storage.store import open_store
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
def worker(redis_url, store):
    """Beats once for a store; it counts as living for some seconds more."""

    def worker(name=None):
        seen = identity(open_store(str(store))) if name is None else name
        beat(connection.plain(redis_url), secrets.token_hex(4), 4, seen)

    return worker


def said(done, words=NO_WORKER):
    return words in " ".join(done.err.split())


def test_detached_run_and_queue_without_a_worker_say_so(nightpoll, study, worker):
    lines = [("run", study, "--yes", "--detach"), ("queue", "add", study, *CLOSED), ("queue", "list"), ("status",)]

    without = [said(nightpoll(*line)) for line in lines]
    worker()
    with_one = [said(nightpoll(*line)) for line in lines]

    assert without == [True] * 4
    assert with_one == [False] * 4


def test_doctor_counts_the_shards_that_workers_take_and_refuses_those_of_another_store(
    nightpoll, study, worker, redis_url
):
    def workers():
        found = json.loads(nightpoll("doctor", study, "--json").out)["findings"]
        return next(f for f in found if f["about"] == "workers")

    assert workers()["state"] == "warning"
    worker("0123456789abcdef")
    assert (workers()["state"], workers()["detail"]) == ("fail", "they see another store")
    connection.plain(redis_url).delete(wire.live_workers())
    worker()
    assert (workers()["state"], workers()["detail"]) == ("ok", "they take 4 shards at a time")


def test_queue_whose_workers_see_another_store_says_so(nightpoll, study, worker):
    worker("0123456789abcdef")

    assert said(nightpoll("queue", "add", study, *CLOSED), WRONG_STORE)


def test_worker_of_another_store_is_refused_before_it_takes_anything(nightpoll, study, worker):
    worker("0123456789abcdef")

    done = nightpoll("worker")

    assert done.code == ExitCode.WRONG_INPUT
    assert "the workers of this Redis see another store than" in done.err
