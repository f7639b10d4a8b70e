"""The command line in this process, and a small planned run with chosen answers; no server, no worker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli import main
from cli.opening import checked_study, plan_into_staging
from schemas import run_paths, tables
from schemas.settings import Settings
from storage.parts import write_part
from storage.runs import append_event, publish_run
from storage.store import Store, open_store

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""Row of the plan -> columns of its response that are not the usual ones."""


@dataclass(frozen=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs command lines as a user would type them."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Said:
        """Run one; its output is taken, not shown."""
        self._capsys.readouterr()
        code = main.run([str(argument) for argument in arguments])
        shown = self._capsys.readouterr()
        return Said(int(code), shown.out, shown.err)


def open_run(study: Path, store_root: Path, *, run_id: str = "r") -> Store:
    """A run without any answer."""
    store = planned_run(study, store_root, run_id=run_id)
    append_event(store, run_id, "opened", {"detached": False})
    return store


def planned_run(study: Path, store_root: Path, *, run_id: str = "r") -> Store:
    """A run that is not open yet."""
    store = open_store(str(store_root))
    checked = checked_study(study, Settings(store=str(store_root)), {})
    planned = plan_into_staging(store, checked, run_id=run_id, pilot=None)
    assert publish_run(store, planned.staging, run_id)
    return store


def land(store: Store, run_id: str, answer: Answer, *, leave_shards: int = 0) -> None:
    """Land the shards of a plan, all but the last `leave_shards`."""
    rows = pq.read_table(store.path(run_paths.plan(run_id))).to_pylist()
    shards = sorted({row["shard"] for row in rows})
    for shard in shards[: len(shards) - leave_shards]:
        responses = [_response(row, answer) for row in rows if row["shard"] == shard]
        write_part(store, run_id, run_paths.shard_unit(shard), pa.Table.from_pylist(responses, schema=tables.RESPONSES))


def _response(row: dict[str, Any], answer: Answer) -> dict[str, Any]:
    usual = {
        "request_id": row["request_id"],
        "outcome": "ok",
        "turns": ["1"],
        "cost_usd": 0.001,
        "maybe_paid": 0,
        "model": "gpt-4.1-mini",
        "transport": "online",
        "attempts": 1,
        "system_fingerprint": "fp_emulator_test",
        "created_at": datetime.now(UTC),
    }
    return usual | answer(row)
