"""A run's batches worked off in this process against a real emulator: no Redis, no worker, the workers' code."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cli.opening import checked_study, open_planned, plan_into_staging
from schemas import run_paths
from schemas.batches import BatchLedger
from schemas.events import RunState
from schemas.settings import Settings
from storage.parts import landed_units, read_part
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store, open_store
from tests.support.emulator import TestEmulator
from tests.support.studies import write_study
from workers.batch.clients import BatchClients
from workers.batch.ledger import BatchShelf
from workers.batch.rounds import has_open_batches
from workers.batch.run import RunBatches
from workers.batch.turn import Desk
from workers.connection import on_loop
from workers.money.budget import RunBudget
from workers.predictions.compaction import Compacted, compact
from workers.progress import committed_usd

Until = Callable[[RunState, list[BatchLedger]], bool]


@dataclass(frozen=True)
class BatchDesk:
    """One run in a store of its own."""

    store: Store
    settings: Settings
    run_id: str = "run"

    def work(self, *, until: Until | None = None, deadline_s: float = 20, redis_url: str | None = None) -> None:
        """Work its batches off, as the keeper's thread does, until nothing is open or `until` holds.

        Args:
            until: told the run's state and its batches.
            deadline_s: patience.
            redis_url: where its budget is kept.
        """
        asyncio.run(asyncio.wait_for(self._work(until, redis_url), deadline_s))

    def ledgers(self) -> list[BatchLedger]:
        """All batches."""
        return BatchShelf(self.store, self.run_id).ledgers()

    def state(self) -> RunState:
        """Of the run."""
        return load_state(self.store, self.run_id)

    def event(self, kind: Any, **data: Any) -> None:
        """Say something about the run."""
        append_event(self.store, self.run_id, kind, data)

    def compact(self) -> Compacted:
        """Write predictions.parquet."""
        return compact(self.store, self.run_id)

    def rows(self) -> list[dict[str, Any]]:
        """predictions.parquet, made now."""
        self.compact()
        rows: list[dict[str, Any]] = pq.read_table(self.store.fetched(run_paths.predictions(self.run_id))).to_pylist()
        return rows

    def parts(self) -> list[dict[str, Any]]:
        """Rows of all parts."""
        units = sorted(landed_units(self.store, self.run_id))
        return [row for unit in units for row in read_part(self.store, self.run_id, unit).to_pylist()]

    async def _work(self, until: Until | None, redis_url: str | None) -> None:
        clients, manifest = BatchClients({}), load_manifest(self.store, self.run_id)
        shelf, redis = BatchShelf(self.store, self.run_id), None if redis_url is None else on_loop(redis_url)
        limit_usd, budget = manifest.study.budget.run_usd, None
        if redis is not None and limit_usd is not None:
            spent = partial(committed_usd, self.store, self.run_id)
            budget = RunBudget(redis, self.run_id, limit_usd, spent)
        desk = Desk(self.store, self.run_id, shelf, self.settings, clients.of, lambda: budget)
        batches = RunBatches(desk, manifest)
        try:
            while True:
                state, ledgers = self.state(), batches.ledgers()
                has_tidied = not any(ledger.is_open for ledger in ledgers)
                if until is not None:
                    if until(state, ledgers) and not batches.is_busy:
                        return
                elif not has_open_batches(self.store, manifest, state) and has_tidied and not batches.is_busy:
                    return
                batches.tick(state, batches.booked(ledgers), ledgers)
                await asyncio.sleep(0.02)
        finally:
            await clients.close()
            if redis is not None:
                await redis.aclose()


def batch_desk(
    folder: Path,
    emulator: TestEmulator,
    *,
    lines: int = 12,
    keys: str = "",
    arm_keys: str = "transport: batch",
    waits: dict[str, Any] | None = None,
    **options: Any,
) -> BatchDesk:
    """A planned and opened run of 24 requests whose arm is asked in batches."""
    deployment = f'base_url: "{emulator.base_url}", max_lines: {lines}' + (f", {keys}" if keys else "")
    batch = options.pop("batch", [deployment])
    options = {"n_respondents": 12} | options
    study = write_study(folder / "study", emulator.base_url, arm_keys=arm_keys, batch=batch, **options)
    quick = {"batch_poll_s": 0.05, "batch_search_s": 0.6, "batch_backoff_s": 0.03, "rescue_margin_s": 0.0}
    settings = Settings(**({"store": str(folder / "runs")} | quick | (waits or {})))
    store = open_store(settings.store, settings.cache)
    checked = checked_study(study, settings, {})
    open_planned(store, plan_into_staging(store, checked, run_id="run", pilot=None), fresh=True, detached=True)
    return BatchDesk(store, settings)
