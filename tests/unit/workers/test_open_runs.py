"""What metrics tell of open runs: requests by state, cost, and the last minute of the fullest quota pool."""

import pytest

from schemas import wire
from storage.runs import load_manifest
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from workers import connection, open_runs
from workers.limits.quota_script import RESERVE
from workers.open_runs import OpenRuns

pytestmark = pytest.mark.redis


@pytest.fixture
def store(tmp_path):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=8, rpm=600, shard_size=2)
    return open_run(study, tmp_path / "runs")


def look(runs, store):
    runs.begin()
    runs.look_at("r", load_manifest(store, "r").models.values())
    return runs


def test_requests_of_an_open_run_are_told_by_state_with_their_cost(store, redis_url):
    land(store, "r", lambda row: {"outcome": "refused" if row["shard"] == 0 else "ok"}, leave_shards=3)

    runs = look(OpenRuns(store, connection.plain(redis_url)), store)

    assert runs.states == {"refused": 2, "ok": 8, "pending": 6}
    assert runs.cost_usd == pytest.approx(0.01)


def test_many_parts_are_caught_up_with_in_several_looks(store, redis_url, monkeypatch):
    monkeypatch.setattr(open_runs, "PARTS_A_LOOK", 3)
    land(store, "r", lambda _: {})
    runs = OpenRuns(store, connection.plain(redis_url))

    seen = [look(runs, store).states["ok"] for _ in range(4)]

    assert seen == [6, 12, 16, 16]


def test_run_that_is_no_longer_looked_at_is_forgotten(store, redis_url):
    runs = look(OpenRuns(store, connection.plain(redis_url)), store)

    runs.begin()
    runs.begin()

    assert runs.states == {}
    assert runs.quota_used == 0


def test_quota_in_use_is_what_the_limiter_booked_in_the_last_minute(store, redis_url):
    redis = connection.plain(redis_url)
    pool = next(iter(load_manifest(store, "r").models.values())).deployments[0].pool_name
    reserve = redis.register_script(RESERVE)
    for _ in range(3):
        reserve(
            keys=[wire.limiter(pool), wire.limiter_minute(pool)],
            args=[600, 0, 60, 0, 60_000_000, 0, 1, 0],
        )
    seconds, _ = redis.time()

    now = look(OpenRuns(store, redis), store).quota_used
    redis.hset(wire.limiter(pool), "o", -1_000_000 * seconds)
    long_ago = look(OpenRuns(store, redis), store).quota_used

    assert 0 < now < 0.31  # of 180 calls those whose turn lies ahead are not in use yet
    assert long_ago == 0
