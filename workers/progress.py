"""How far a run is, from its files alone: parts that landed and journals of units still in work."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow.compute as pc

from schemas import run_paths
from schemas.errors import StoreError
from storage.parts import landed_units, read_part
from storage.runs import load_manifest, load_state
from storage.store import Store
from workers.batch.ledger import BatchShelf, open_batches
from workers.shards.journal import read_journals

_COLUMNS = ["outcome", "error_code", "cost_usd", "maybe_paid", "maybe_paid_usd", "transport"]


@dataclass
class Progress:
    """Counts over all generations of a run.

    Attributes:
        n_requests: distinct requests of the plan.
        outcomes: outcome -> requests that have it (a request of a retry generation counts again).
        n_again: those of retry generations.
        reasons: error code -> requests.
        cost_usd: of everything answered so far.
        maybe_paid: calls that may have been billed without an answer, in landed units.
        lost_usd: their full price, as far as a budget reserved it.
    """

    n_requests: int
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    cost_usd: float = 0.0
    maybe_paid: int = 0
    n_reused: int = 0
    lost_usd: float = 0.0
    n_again: int = 0

    @property
    def n_ended(self) -> int:
        """Outcomes, those of requests that were asked again included."""
        return self.outcomes.total()

    @property
    def n_settled(self) -> int:
        """Requests with an outcome."""
        return self.n_ended - self.n_again

    def add(self, other: "Progress") -> None:
        """Add the counts of one unit."""
        self.outcomes += other.outcomes
        self.reasons += other.reasons
        self.cost_usd += other.cost_usd
        self.maybe_paid += other.maybe_paid
        self.n_reused += other.n_reused
        self.n_again += other.n_again
        self.lost_usd += other.lost_usd


Saw = Callable[[Sequence[str], Sequence[str]], None]
"""Is told ids and outcomes of requests: of each part once, of each open journal at every look."""


class ProgressReader:
    """Reads progress again and again; a landed part is read once."""

    def __init__(self, store: Store, run_id: str, saw: Saw | None = None) -> None:
        self._store = store
        self._run_id = run_id
        self._n_requests = load_manifest(store, run_id).totals.n_requests
        self._parts: dict[str, Progress] = {}
        self._shelf = BatchShelf(store, run_id)
        self._saw = saw

    def read(self, new_parts: int | None = None) -> Progress:
        """Progress now; with a bound on parts read for the first time, what is over it counts at a later look."""
        total = Progress(self._n_requests)
        names = self._store.names(run_paths.journal_dir(self._run_id))
        journals = {name: self._of_journal(name) for name in names}
        retries = self._retry_batches()
        units = landed_units(self._store, self._run_id)  # after the journals: a unit that lands now counts once
        unread = [unit for unit in units if unit not in self._parts]
        for unit in unread[:new_parts]:
            self._parts[unit] = self._of_part(unit)
        for unit in units:
            if unit in self._parts:
                total.add(self._parts[unit])
                total.n_again += self._parts[unit].n_ended if _is_retry(unit, retries) else 0
        for name, progress in journals.items():
            unit = run_paths.unit_of_journal(name)
            if unit not in units:
                total.add(progress)
                total.n_again += progress.n_ended if _is_retry(unit, retries) else 0
        total.cost_usd += self._between_turns()
        return total

    def _between_turns(self) -> float:
        """US$ of batches' answers that stand in no row and no journal yet: their requests have turns to come."""
        if not self._store.exists(run_paths.batches_dir(self._run_id)):
            return 0.0
        bought = sum(ledger.turns_usd for ledger in self._shelf.ledgers())
        return bought - sum(moved.turns_usd for moved in load_state(self._store, self._run_id).handed_over)

    def _retry_batches(self) -> frozenset[str]:
        """Units of batches that belong to a retry generation."""
        if not self._store.exists(run_paths.batches_dir(self._run_id)):
            return frozenset()
        return frozenset(run_paths.batch_unit(b.number) for b in self._shelf.ledgers() if b.generation)

    def _of_part(self, unit: str) -> Progress:
        columns = _COLUMNS if self._saw is None else [*_COLUMNS, "request_id"]
        table = read_part(self._store, self._run_id, unit, columns)
        if self._saw is not None:
            self._saw(table["request_id"].to_pylist(), table["outcome"].to_pylist())
        return Progress(
            self._n_requests,
            Counter(table["outcome"].to_pylist()),
            Counter(code for code in table["error_code"].to_pylist() if code is not None),
            float(pc.sum(table["cost_usd"]).as_py() if table.num_rows else 0.0),
            int(pc.sum(table["maybe_paid"]).as_py() if table.num_rows else 0),
            table["transport"].to_pylist().count("reused"),
            float(pc.sum(table["maybe_paid_usd"].fill_null(0.0)).as_py() if table.num_rows else 0.0),
        )

    def _of_journal(self, name: str) -> Progress:
        progress, requests, outcomes = Progress(self._n_requests), [], []
        try:
            data = self._store.read_bytes(f"{run_paths.journal_dir(self._run_id)}/{name}")
        except StoreError:
            return progress  # landed and removed meanwhile
        for line in data.split(b"\n"):
            if not line.startswith(b'{"k": "a"'):
                continue
            try:
                entry = json.loads(line)
            except ValueError:
                break
            record = entry["r"]
            progress.cost_usd += record["cost_usd"]
            if "more" in entry:
                continue  # the request has another turn to come
            requests.append(entry["c"].rpartition(".")[0])
            outcomes.append(record["outcome"])
            if record.get("error_code"):
                progress.reasons[record["error_code"]] += 1
        progress.outcomes.update(outcomes)
        if self._saw is not None:
            self._saw(requests, outcomes)
        return progress


def _is_retry(unit: str, retries: frozenset[str]) -> bool:
    shard = run_paths.shard_of_unit(unit)
    return unit in retries if shard is None else shard[1] > 0


def committed_usd(store: Store, run_id: str) -> float:
    """What a run has spent, lost calls and open batches at their reservation: where a forgotten budget starts again."""
    units = {run_paths.unit_of_journal(name) for name in store.names(run_paths.journal_dir(run_id))}
    lost_by_unit = {unit: sum(read_journals(store, run_id, unit).lost_usd.values()) for unit in units}
    progress = ProgressReader(store, run_id).read()
    landed = landed_units(store, run_id)
    in_batches = sum(
        batch.reserved_usd
        for batch in open_batches(store, run_id)
        if batch.reserved_usd is not None and not batch.is_settled and run_paths.batch_unit(batch.number) not in landed
    )
    lost_usd = sum(usd for unit, usd in lost_by_unit.items() if unit not in landed)
    return progress.cost_usd + progress.lost_usd + lost_usd + in_batches
