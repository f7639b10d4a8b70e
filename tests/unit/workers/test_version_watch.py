"""The keeper's look at a version: handed-over work counts, and no host's clock says what came before a restart."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import run_paths, tables
from storage.parts import write_part
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store, open_store
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from tests.support.versions import BAD, register
from workers.versions.watch import VersionWatch

URL = "http://127.0.0.1:9/v1"
HOUR = timedelta(hours=1)


def run_of_v2(tmp_path: Path) -> Store:
    """160 requests in 20 shards that tuned@v2 is to answer."""
    register(open_store(str(tmp_path / "store")), {"v1": URL, "v2": URL})
    study = write_study(tmp_path / "study", URL, n_respondents=80)
    study.write_text(study.read_text("utf-8").replace("{model: mini", "{model: tuned"), "utf-8")
    return open_run(study, tmp_path / "store")


def land_shards(store: Store, shards: Iterable[int], at: datetime) -> None:
    rows = pq.read_table(store.path(run_paths.plan("r"))).to_pylist()
    for shard in shards:
        answers = [
            {
                "request_id": row["request_id"], "outcome": "ok", "turns": ["well ..."], "cost_usd": 0.001,
                "maybe_paid": 0, "model": BAD, "transport": "online", "attempts": 1, "created_at": at,
            }
            for row in rows if row["shard"] == shard
        ]  # fmt: skip
        write_part(store, "r", run_paths.shard_unit(shard), pa.Table.from_pylist(answers, schema=tables.RESPONSES))


def looks(watch: VersionWatch, store: Store, n: int) -> None:
    for _ in range(n):
        state = load_state(store, "r")
        watch.tick({"r": state} if state.is_active else {})


def watch_of(store: Store) -> VersionWatch:
    clock = iter(range(0, 10_000, 10))
    return VersionWatch(store, clock=lambda: float(next(clock)))


def is_paused(store: Store) -> bool:
    return "tuned" in load_state(store, "r").stopped_models


def test_version_fails_after_a_restart_though_the_workers_clock_is_behind(tmp_path: Path) -> None:
    store = run_of_v2(tmp_path)
    append_event(store, "r", "resumed")
    watch = watch_of(store)
    looks(watch, store, 2)

    land_shards(store, range(10), datetime.now(UTC) - HOUR)
    looks(watch, store, 2)

    assert is_paused(store)


def test_answers_before_a_restart_speak_against_nobody_though_the_workers_clock_was_ahead(tmp_path: Path) -> None:
    store = run_of_v2(tmp_path)
    land_shards(store, range(10), datetime.now(UTC) + HOUR)
    append_event(store, "r", "resumed")

    looks(watch_of(store), store, 2)
    looks(watch_of(store), store, 2)  # another keeper, which has counted nothing itself
    assert not is_paused(store)
    assert [name.endswith(".json") for name in store.names(run_paths.events_dir("r"))] == [True] * 3

    land_shards(store, range(10, 17), datetime.now(UTC))
    looks(watch_of(store), store, 1)
    assert is_paused(store)


def test_work_that_a_batch_handed_over_is_judged_like_any_other(tmp_path: Path) -> None:
    store = run_of_v2(tmp_path)
    path = store.path(run_paths.run_json("r"))
    manifest = json.loads(path.read_text("utf-8"))
    shards = load_manifest(store, "r").shards_by_model["tuned"]
    path.chmod(0o600)
    path.write_text(json.dumps(manifest | {"format_no": 2, "batch_shards": {"tuned": shards}}), "utf-8")
    land_shards(store, range(10), datetime.now(UTC))
    watch = watch_of(store)
    looks(watch, store, 1)
    assert not is_paused(store)

    append_event(store, "r", "transport", {"model": "tuned", "generation": 0, "shards": shards})
    looks(watch, store, 1)

    assert is_paused(store)


def test_retry_of_failed_requests_is_judged_by_what_it_brings_and_not_by_what_it_found(tmp_path: Path) -> None:
    store = run_of_v2(tmp_path)
    land(store, "r", lambda _: {"model": BAD, "outcome": "failed", "turns": []})
    append_event(store, "r", "generation", {"number": 1, "outcomes": ["failed"]})

    looks(watch_of(store), store, 2)
    assert not is_paused(store)

    rows = pq.read_table(store.path(run_paths.part("r", run_paths.shard_unit(0)))).to_pylist()
    write_part(store, "r", run_paths.shard_unit(0, 1), pa.Table.from_pylist(rows, schema=tables.RESPONSES))
    looks(watch_of(store), store, 1)
    state = load_state(store, "r")
    assert state.counted_before is not None
    assert state.counted_before["tuned"].failed == 160
    assert not is_paused(store)  # eight more failures are too few to say so
