import pyarrow as pa

from schemas import run_paths, tables
from storage.parts import read_part, write_part
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from workers.progress import ProgressReader


def test_requests_that_are_asked_again_settle_once(tmp_path):
    store = open_run(write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=8), tmp_path / "runs")
    land(store, "r", lambda row: {"outcome": "failed"} if row["shard"] == 0 else {})
    reader = ProgressReader(store, "r")
    before = reader.read()
    again = read_part(store, "r", run_paths.shard_unit(0)).to_pylist()

    write_part(
        store, "r", run_paths.shard_unit(0, 1),
        pa.Table.from_pylist([row | {"outcome": "ok"} for row in again], schema=tables.RESPONSES),
    )  # fmt: skip
    after = reader.read()

    assert (before.n_requests, before.n_settled, before.n_again) == (16, 16, 0)
    assert (after.n_settled, after.n_again, after.n_ended) == (16, len(again), 16 + len(again))
