"""What metrics tell of open runs: requests by state, cost, and the last minute of the fullest quota pool."""

import pyarrow as pa
import pytest

from schemas import run_paths, wire
from storage.parts import landed_units, read_part, write_part
from storage.runs import append_event, load_manifest, load_state
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
    runs.look_at(load_manifest(store, "r"), load_state(store, "r"))
    return runs


def test_requests_of_an_open_run_are_told_by_state_with_their_cost(store, redis_url):
    land(store, "r", lambda row: {"outcome": "refused" if row["shard"] == 0 else "ok"}, leave_shards=3)

    runs = look(OpenRuns(store, connection.plain(redis_url)), store)

    assert runs.states == runs.request_states == {"refused": 2, "ok": 8, "pending": 6}
    assert runs.cost_usd == pytest.approx(0.01)


def test_request_that_two_tasks_share_speaks_for_both(tmp_path, redis_url):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=8, shard_size=2)
    text = study.read_text("utf-8")
    study.write_text(text.replace("strategy: basic}", "strategy: basic, repeats: 2}"), "utf-8")
    store = open_run(study, tmp_path / "runs")
    land(store, "r", lambda row: {"outcome": "failed" if row["shard"] == 0 else "ok"}, leave_shards=3)

    runs = look(OpenRuns(store, connection.plain(redis_url)), store)

    assert runs.request_states == {"failed": 2, "ok": 8, "pending": 6}
    assert runs.states == {"failed": 4, "ok": 16, "pending": 12}


def test_task_that_a_retry_answered_is_answered_and_counts_once(store, redis_url):
    land(store, "r", lambda row: {"outcome": "failed" if row["shard"] == 0 else "ok"})
    append_event(store, "r", "generation", {"number": 1, "outcomes": ["failed"]})
    part = read_part(store, "r", run_paths.shard_unit(0))
    outcomes = part.schema.get_field_index("outcome")
    again = part.set_column(outcomes, part.schema.field(outcomes), pa.array(["ok"] * part.num_rows))

    write_part(store, "r", run_paths.shard_unit(0, 1), again)

    assert look(OpenRuns(store, connection.plain(redis_url)), store).states == {"ok": 16}


def test_shards_that_nobody_has_begun_wait_for_the_pool_of_their_model_only(tmp_path, redis_url):
    url = "http://127.0.0.1:9/v1"
    study = write_study(tmp_path / "s", url, n_respondents=8, shard_size=2, other_model=url)
    store = open_run(study, tmp_path / "runs")
    manifest = load_manifest(store, "r")
    mini, other = (manifest.models[name].deployments[0].pool_name for name in ("mini", "other"))
    land(store, "r", lambda _: {}, leave_shards=5)
    landed = landed_units(store, "r")
    left = {m: sum(run_paths.shard_unit(s) not in landed for s in manifest.shards_by_model[m]) for m in manifest.models}

    waiting = look(OpenRuns(store, connection.plain(redis_url)), store).waiting
    append_event(store, "r", "model_stopped", {"model": "mini", "exit_code": 5})
    stopped = look(OpenRuns(store, connection.plain(redis_url)), store).waiting

    assert (waiting[mini], waiting[other]) == (left["mini"], left["other"])
    assert left["mini"] > 0
    assert (stopped[mini], stopped[other]) == (0, left["other"])


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
    assert runs.quota_used == {}


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

    now = look(OpenRuns(store, redis), store).quota_used[pool]
    redis.hset(wire.limiter(pool), "o", -1_000_000 * seconds)
    long_ago = look(OpenRuns(store, redis), store).quota_used[pool]

    assert 0 < now < 0.31  # of 180 calls those whose turn lies ahead are not in use yet
    assert long_ago == 0
