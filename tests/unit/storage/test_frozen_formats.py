"""Run folders as each format wrote them, frozen: whoever changes a persisted form must go on reading these."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from schemas import run_paths
from storage.parts import landed_units, read_part
from storage.runs import load_codebook, load_manifest, load_state
from storage.store import Store
from workers.batch.ledger import BatchShelf
from workers.batch.rounds import has_open_batches
from workers.predictions.compaction import compact

FROZEN = Path(__file__).resolve().parents[2] / "fixtures" / "format1"


def test_run_of_format_1_is_read_and_compacted_to_the_same_rows(tmp_path):
    shutil.copytree(FROZEN, tmp_path / "store")
    store = Store(tmp_path / "store")
    before = pq.read_table(store.path(run_paths.predictions("frozen")))

    compact(store, "frozen", version=1)

    assert load_manifest(store, "frozen").run_id == "frozen"
    assert set(load_codebook(store, "frozen").questions)
    assert load_state(store, "frozen").phase == "finished"
    assert {u: read_part(store, "frozen", u).num_rows for u in landed_units(store, "frozen")}
    after = pq.read_table(store.path(run_paths.predictions("frozen")))
    assert after.select(before.column_names).equals(before)
    assert all(after[name].null_count == after.num_rows for name in set(after.column_names) - set(before.column_names))


def test_run_of_format_2_is_read_with_its_batches_and_compacted_to_the_same_rows(tmp_path):
    shutil.copytree(FROZEN.with_name("format2"), tmp_path / "store")
    store = Store(tmp_path / "store")
    before = pq.read_table(store.path(run_paths.predictions("run")))

    compact(store, "run", version=before["reader_version"][0].as_py())

    manifest, shelf = load_manifest(store, "run"), BatchShelf(store, "run")
    assert set(manifest.batch_shards) == {"mini"}
    assert [(b.state, b.end) for b in shelf.ledgers()] == [("closed", "harvested")] * 3
    assert [r.n_requests for r in shelf.rounds()] == [24, 10, 0]
    assert not has_open_batches(store, manifest, load_state(store, "run"))
    after = pq.read_table(store.path(run_paths.predictions("run")))
    assert after.select(before.column_names).equals(before)
