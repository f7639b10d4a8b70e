"""Where the answer of each request stands, over all parts of a run. About 100 bytes per request of the plan."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from schemas import run_paths, tables
from schemas.errors import StoreError
from storage.parts import landed_units, open_table, read_part, read_table
from storage.store import Store
from workers.shards.landing import RANK

BATCH_TASKS = 50_000
NO_UNIT = -1
"""In place of a unit: nothing has landed for the request."""

_LIGHT_COLUMNS = ["request_id", "outcome", "cost_usd", "attempts", "maybe_paid", "created_at"]


def task_batches(store: Store, run_id: str) -> Iterator[pa.Table]:
    """tasks.parquet in bounded pieces, in order; schema `tables.TASKS` also where an earlier version wrote it."""
    with open_table(store, run_paths.tasks(run_id)) as file:
        try:
            for batch in file.iter_batches(batch_size=BATCH_TASKS):
                yield tables.conformed(pa.Table.from_batches([batch]), tables.TASKS)
        except (pa.ArrowInvalid, OSError) as e:
            raise StoreError("the file is damaged.", where=store.where(run_paths.tasks(run_id))) from e


class RequestIndex:
    """Per request of the plan: where its best answer stands, and the sums over all its rows.

    Attributes:
        unit: shape (n + 1,), index into `units`, NO_UNIT if nothing landed; the last entry serves position -1.
        row: row within that unit.
        cost: US$ over all its rows; attempts, maybe_paid likewise; shared_by: tasks it serves.
    """

    def __init__(self, ids: np.ndarray, units: list[str]) -> None:
        self.order = np.argsort(ids, kind="stable")
        self.sorted_ids = ids[self.order]
        self.units = units
        n = len(ids) + 1  # one more, for tasks without a request (position -1)
        self.unit = np.full(n, NO_UNIT, np.int32)
        self.row = np.zeros(n, np.int32)
        self.rank = np.full(n, 99, np.int8)
        self.created = np.zeros(n, np.int64)
        self.cost = np.zeros(n, np.float64)
        self.attempts = np.zeros(n, np.int32)
        self.maybe_paid = np.zeros(n, np.int32)
        self.shared_by = np.zeros(n, np.int32)

    @classmethod
    def build(cls, store: Store, run_id: str) -> "RequestIndex":
        """From the plan, the parts and the tasks of a run."""
        plan_ids = read_table(store, run_paths.plan(run_id), ["request_id"])["request_id"]
        units = sorted(landed_units(store, run_id))
        index = cls(np.asarray(plan_ids.to_numpy(), dtype="S32"), units)
        for number, unit in enumerate(units):
            index._add_part(number, read_part(store, run_id, unit, _LIGHT_COLUMNS))
        for batch in task_batches(store, run_id):
            at = index.positions(batch["request_id"])
            index.shared_by += np.bincount(at[at >= 0], minlength=len(plan_ids) + 1).astype(np.int32)
        return index

    def positions(self, request_ids: pa.ChunkedArray) -> np.ndarray:
        """Position of each request in the plan, -1 for null."""
        known = np.asarray(request_ids.is_valid().to_numpy())
        wanted = np.asarray(request_ids.fill_null("").to_numpy(), dtype="S32")
        if len(self.sorted_ids) == 0:
            return np.full(len(wanted), -1)
        found = np.minimum(np.searchsorted(self.sorted_ids, wanted), len(self.sorted_ids) - 1)
        if not np.array_equal(self.sorted_ids[found][known], wanted[known]):
            raise StoreError("a task or a part refers to a request that is not in the plan.")
        return np.where(known, self.order[found], -1)

    def _add_part(self, number: int, part: pa.Table) -> None:
        at = self.positions(part["request_id"])
        rank = np.array([RANK[o] for o in part["outcome"].to_pylist()], np.int8)
        created = part["created_at"].cast(pa.int64()).to_numpy()
        np.add.at(self.cost, at, part["cost_usd"].to_numpy())
        np.add.at(self.attempts, at, part["attempts"].to_numpy())
        np.add.at(self.maybe_paid, at, part["maybe_paid"].to_numpy())
        better = (rank < self.rank[at]) | ((rank == self.rank[at]) & (created < self.created[at]))
        chosen = at[better]
        self.unit[chosen], self.row[chosen] = number, np.flatnonzero(better)
        self.rank[chosen], self.created[chosen] = rank[better], created[better]
