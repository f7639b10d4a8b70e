"""Removing what nobody needs any more: old runs that are over, and what died while it was planned.

Kept whatever its age: a run that may go on (running, paused, stopped, planned), one with an open batch, one young
enough to be reused by any study of the store, one that the registry, a fine-tuning job or the overnight queue names.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from schemas.errors import NightpollError
from schemas.overnight import NIGHTS_DIR
from schemas.run_paths import PRIVATE
from storage.runs import list_run_ids, load_events, load_manifest, load_state
from storage.store import Store
from workers.batch.ledger import open_batches

OVER = ("finished", "cancelled")
STAGING_DAYS = 1.0
STAGING = f"{PRIVATE}/staging"
TRASH = f"{PRIVATE}/trash"


@dataclass(frozen=True)
class Prunable:
    """A folder that may go: path in the store, what it is, bytes on disk."""

    path: str
    what: str
    n_bytes: int


def prunable(store: Store, *, now: datetime, older_than_days: float) -> list[Prunable]:
    """What may go, nothing touched.

    Args:
        store: with the runs.
        now: aware.
        older_than_days: since the last event of a run.
    """
    runs, named = list_run_ids(store), _named(store)
    days = max([older_than_days, *(_reuse_days(store, run_id) for run_id in runs)])
    found = [
        Prunable(run_id, "run", store.n_bytes(run_id))
        for run_id in runs
        if run_id not in named and _is_over(store, run_id, now - timedelta(days=days))
    ]
    old_s = time.time() - STAGING_DAYS * 86400
    for folder, what, before_s in ((STAGING, "a plan that died", old_s), (TRASH, "removed before", float("inf"))):
        here = Store(store.root)  # both lie on this host, wherever the store is
        for name in here.names(folder):
            if here.path(f"{folder}/{name}").stat().st_mtime < before_s:
                found.append(Prunable(f"{folder}/{name}", what, here.n_bytes(f"{folder}/{name}")))
    return found


def prune(store: Store, found: list[Prunable]) -> int:
    """Remove them, each whole: moved aside first, so that a crash leaves no half of a run. Bytes that were freed."""
    for one in found:
        store.remove_folder(one.path, first="run.json", aside=f"{TRASH}/{uuid4().hex}")
    return sum(one.n_bytes for one in found)


def _is_over(store: Store, run_id: str, before: datetime) -> bool:
    try:
        events = load_events(store, run_id)
        if not events or load_state(store, run_id).phase not in OVER or open_batches(store, run_id):
            return False
    except NightpollError:
        return False  # damaged: somebody should look at it first
    return max(event.at for event in events) < before and not store.path(run_id).is_symlink()


def _reuse_days(store: Store, run_id: str) -> float:
    try:
        reuse = load_manifest(store, run_id).study.reuse
    except NightpollError:
        return 0.0
    return 0.0 if reuse.scope == "none" else reuse.max_age_days


def _named(store: Store) -> set[str]:
    """Runs that a document beside the runs names; summaries of nights do not count, they only look back."""
    runs = list_run_ids(store)
    with store.fetched_folder(PRIVATE, ".json") as folder:
        past = [folder / each.removeprefix(f"{PRIVATE}/") for each in (NIGHTS_DIR, STAGING, TRASH)]
        documents = [p for p in folder.rglob("*.json") if not any(p.is_relative_to(one) for one in past)]
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in documents if path.is_file()]
    return {run_id for run_id in runs if any(f'"{run_id}"' in text for text in texts)}
