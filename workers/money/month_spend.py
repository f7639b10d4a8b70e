"""What a store's runs have spent in a calendar month (UTC), from their files.

Training and hosting of the store's tuned models count as if a run without a bound had spent them, for they are no run's
bill: training once, in the month in which the job was created, hosting by the hour.
Landed answers count in the month in which they were made. Open journals and batches count in full in any month that
is asked about: they belong to runs at work.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import pyarrow.compute as pc

from finetuning.deployments.hosting import hosting_usd
from finetuning.jobs.training_bill import bought_usd
from schemas.errors import NightpollError
from storage.parts import landed_units, read_part
from storage.runs import list_run_ids, load_events, load_manifest
from storage.store import Store
from storage.tuning_records import readable_ledgers
from workers.progress import committed_usd


class Spent(NamedTuple):
    """US$ of runs whose study bounds the month; of all others, of hosting and of training."""

    bounded: float
    others: float


class MonthSpend:
    """Sums over a store; a landed part is read once."""

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    def of(self, month: str) -> Spent:
        """What the runs spent in a month such as 2026-11."""
        bounded = others = 0.0
        for run_id in list_run_ids(self._store):
            try:
                spent = self.of_run(run_id, month)
                is_bounded = load_manifest(self._store, run_id).study.budget.month_usd is not None
            except NightpollError:
                continue  # a damaged run is told by every command that looks at it
            bounded, others = (bounded + spent, others) if is_bounded else (bounded, others + spent)
        return Spent(bounded, others + self.hosting(month) + self.training(month))

    def hosting(self, month: str) -> float:
        """What deployments of tuned models cost in a month, up to now; a job that cannot be read costs nothing here."""
        begin, end = month_bounds(month)
        deployments = chain.from_iterable(ledger.deployments for ledger in readable_ledgers(self._store))
        return hosting_usd(deployments, now=self._now(), begin=begin, end=end)

    def training(self, month: str) -> float:
        """What trainings that were bought in a month cost, or are expected to; of damaged jobs as `hosting`."""
        begin, end = month_bounds(month)
        return bought_usd(readable_ledgers(self._store), now=self._now(), begin=begin, end=end)

    def of_run(self, run_id: str, month: str) -> float:
        """What one run spent in a month, open calls and batches at their reservation."""
        if not self._touched(run_id, month):
            return 0.0
        life = self._store.run_life(run_id)
        elsewhere = sum(_outside(self._store, run_id, unit, month, life) for unit in landed_units(self._store, run_id))
        return max(0.0, committed_usd(self._store, run_id) - elsewhere)

    def _touched(self, run_id: str, month: str) -> bool:
        """The run may have spent in the month: it was made before its end, and not over before its beginning."""
        events = load_events(self._store, run_id)
        last = events[-1].at if events else load_manifest(self._store, run_id).created_at
        is_over = bool(events) and events[-1].kind in ("finished", "cancelled")
        made = load_manifest(self._store, run_id).created_at
        return f"{made:%Y-%m}" <= month and not (is_over and f"{last:%Y-%m}" < month)


@lru_cache(maxsize=65_536)
def _outside(store: Store, run_id: str, unit: str, month: str, life: str) -> float:
    """What a landed part cost outside a month; parts never change within a life of their run."""
    del life
    table = read_part(store, run_id, unit, ["cost_usd", "maybe_paid_usd", "created_at"])
    start, end = month_bounds(month)
    outside = pc.or_(pc.less(table["created_at"], start), pc.greater_equal(table["created_at"], end))
    found = table.filter(outside)
    if not found.num_rows:
        return 0.0
    return float(pc.sum(found["cost_usd"]).as_py()) + float(pc.sum(found["maybe_paid_usd"].fill_null(0.0)).as_py())


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month such as 2026-11 (UTC), and of the month after it."""
    year, number = (int(part) for part in month.split("-"))
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)
