"""A run folder as format 1 wrote it, frozen: whoever changes a persisted form must go on reading this one."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from schemas import run_paths
from storage.parts import landed_units, read_part
from storage.runs import load_codebook, load_manifest, load_state
from storage.store import Store
from workers.compaction import compact

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
