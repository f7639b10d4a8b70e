"""The rig: a real worker works a synthetic run off the loopback endpoint, and its processor time is read."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.engine_cpu import plain_loop
from benchmarks.loopback import compiled, running_loopback
from benchmarks.rig import running_rig
from benchmarks.synthetic import Endpoint, open_run, prompt_tokens
from schemas import run_paths


@pytest.mark.e2e
def test_a_synthetic_run_is_worked_off_and_accounted(tmp_path: Path) -> None:
    with running_loopback(compiled(tmp_path), latency_ms=5) as endpoint, running_rig() as rig:
        arm = Endpoint("east", endpoint.base_url)
        manifest = open_run(rig.store, "load", [arm], 200)
        assert manifest.totals.n_requests == 200
        assert prompt_tokens(rig.store, "load")[0] == prompt_tokens(rig.store, "load")[1]
        rig.start_workers(1, in_flight=16, slots=2)
        before = rig.cpu()
        rig.until_finished("load", 60)
        assert (rig.cpu() - before).total_s > 0
        assert endpoint.stats()["answered"] == 200
        rows = pq.read_table(rig.store.path(run_paths.predictions("load")))
        assert set(rows["status"].to_pylist()) == {"answered"}
        assert plain_loop(rig.store.path(run_paths.plan("load")), endpoint, 50, 8)["landed_ms"] > 0
