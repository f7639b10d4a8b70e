"""The runs of a store, one line each."""

from dataclasses import asdict, dataclass
from typing import Any

from cli.views.console import out
from cli.views.text_table import print_table
from schemas import run_paths
from schemas.errors import FormatError, StoreError
from storage.parts import landed_units
from storage.runs import list_run_ids, load_manifest, load_state
from storage.store import Store


@dataclass(frozen=True)
class ListedRun:
    """One run of a list.

    Attributes:
        state: phase, or `unreadable` with `problem`.
        landed_share: shards of the first pass that have landed, of all; 0..1; a finished run has all, reused ones too.
        created_at: ISO 8601, UTC; None if unreadable.
    """

    run_id: str
    state: str
    n_tasks: int | None = None
    landed_share: float | None = None
    created_at: str | None = None
    problem: str | None = None

    def document(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def listed_runs(store: Store) -> list[ListedRun]:
    """Every run of a store, newest first; a damaged one is listed as unreadable."""
    found = [_listed(store, run_id) for run_id in list_run_ids(store)]
    return sorted(found, key=lambda run: run.created_at if run.created_at is not None else "", reverse=True)


def show_runs(runs: list[ListedRun]) -> None:
    """The list as a table."""
    headers = ["run", "state", "tasks", "landed", "created (UTC)"]
    print_table("", headers, [_cells(run) for run in runs], right=[2, 3])
    for run in runs:
        if run.problem is not None:
            out.print(f"{run.run_id}: {run.problem}", markup=False)


def _listed(store: Store, run_id: str) -> ListedRun:
    try:
        manifest, state = load_manifest(store, run_id), load_state(store, run_id)
    except (FormatError, StoreError) as error:
        return ListedRun(run_id, "unreadable", problem=error.what)
    created_at = manifest.created_at.isoformat(timespec="seconds")
    share = 1.0 if state.phase == "finished" else _landed_share(store, run_id, manifest.totals.n_shards)
    return ListedRun(run_id, state.phase, manifest.totals.n_tasks, share, created_at)


def _landed_share(store: Store, run_id: str, n_shards: int) -> float:
    if n_shards == 0:
        return 1.0
    shards = (run_paths.shard_of_unit(unit) for unit in landed_units(store, run_id))
    return sum(1 for shard in shards if shard is not None and shard[1] == 0) / n_shards


def _cells(run: ListedRun) -> list[str]:
    n_tasks = "" if run.n_tasks is None else f"{run.n_tasks:,}"
    share = "" if run.landed_share is None else f"{run.landed_share:.0%}"
    created = "" if run.created_at is None else run.created_at[:19].replace("T", " ")
    return [run.run_id, run.state, n_tasks, share, created]
