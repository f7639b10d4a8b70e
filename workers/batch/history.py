"""How long batches of a store took, for the next choice of transport."""

from collections import defaultdict
from math import ceil

from producer.planning.transport_choice import BatchTimes, Typical, endpoint_key
from schemas import run_paths
from schemas.errors import NightpollError
from schemas.run import RunManifest
from storage.runs import list_run_ids, load_manifest
from storage.store import Store
from workers.batch.ledger import BatchShelf

MOST_RUNS = 40
"""Newest runs that are looked at."""
OF_TEN = 9


def batch_times(store: Store) -> BatchTimes:
    """What nine of ten batches of each endpoint took, from making to harvest; damaged runs are left out."""
    took: dict[str, list[float]] = defaultdict(list)
    runs = [r for r in list_run_ids(store) if store.exists(run_paths.batches_dir(r))]
    for run_id in runs[-MOST_RUNS:]:
        try:
            _read(store, load_manifest(store, run_id), took)
        except NightpollError:
            continue
    return {key: Typical(sorted(all_s)[ceil(OF_TEN * len(all_s) / 10) - 1], len(all_s)) for key, all_s in took.items()}


def _read(store: Store, manifest: RunManifest, took: dict[str, list[float]]) -> None:
    for ledger in BatchShelf(store, manifest.run_id).ledgers():
        model = manifest.models.get(ledger.model)
        if ledger.since is None or ledger.tally is None or not ledger.tally.n_lines or model is None:
            continue
        made_by = next((each for each in model.batch if each.name == ledger.deployment), None)
        if made_by is not None and ledger.is_over:
            took[endpoint_key(made_by)].append((ledger.at - ledger.since).total_seconds())
