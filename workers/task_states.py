"""How many tasks of a run are in which state: a request speaks for every task that shares it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from storage.store import Store
from workers.predictions.request_index import task_batches

STATES = ("ok", "refused", "filtered", "truncated", "failed", "pending")
"""Best first, as compaction ranks them."""
IMPORTED = "imported"
"""Tasks that ask nobody."""
_RANK = {state: rank for rank, state in enumerate(STATES)}


class TaskStates:
    """Of one run; 13 bytes a request. Outcomes may be told again and in any order: the best one of a request counts."""

    def __init__(self, store: Store, run_id: str) -> None:
        keys, self._n_imported = [np.zeros(0, np.uint64)], 0
        for batch in task_batches(store, run_id):
            asked = batch["request_id"].drop_null()
            self._n_imported += batch.num_rows - len(asked)
            keys.append(_keys(asked.to_pylist()))
        self._keys, n_tasks = np.unique(np.concatenate(keys), return_counts=True)
        self._n_tasks = n_tasks.astype(np.uint32)
        self._rank = np.full(len(self._keys), _RANK["pending"], np.uint8)

    def saw(self, request_ids: Sequence[str], outcomes: Sequence[str]) -> None:
        """Note outcomes of requests; those of requests without a task are passed over."""
        if not request_ids or not len(self._keys):
            return
        keys = _keys(request_ids)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        ranks = np.array([_RANK[outcome] for outcome in outcomes], np.uint8)
        known = self._keys[at] == keys
        np.minimum.at(self._rank, at[known], ranks[known])

    def counts(self) -> Counter[str]:
        """State -> tasks; states that no task is in are left out."""
        n = np.bincount(self._rank, weights=self._n_tasks, minlength=len(STATES))
        found = Counter({state: int(n[rank]) for rank, state in enumerate(STATES)})
        found[IMPORTED] = self._n_imported
        return +found


def _keys(request_ids: Sequence[str]) -> np.ndarray:
    """The first 64 bits of each id (ids are SHA-256 in hex): two of a million are alike once in 30 million runs."""
    return np.frombuffer(bytes.fromhex("".join(request_ids)), dtype=">u8")[::2].astype(np.uint64)
