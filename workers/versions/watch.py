"""The keeper's look at registered versions in open runs: one that fails too often is paused or rolled back."""

import logging
import time
from collections.abc import Callable, Mapping

from schemas.events import RunState
from schemas.models import Model
from schemas.run import RunManifest
from schemas.run_paths import shard_unit
from storage.parts import landed_units
from storage.runs import load_state
from storage.store import Store
from workers.manifests import Manifests
from workers.versions.answers_so_far import AnswersSoFar, Asked, in_service
from workers.versions.rates import complaint
from workers.versions.replacing import answering, pause, roll_back

log = logging.getLogger(__name__)

EVERY_S = 1.5
"""Between two looks at the versions of all runs; on a store that is looked at more seldom, as often as that."""


class VersionWatch:
    """Holds nothing that another keeper would miss."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._next_s = 0.0
        self._manifests = Manifests(store)
        self._answers: dict[str, AnswersSoFar] = {}

    def tick(self, states: Mapping[str, RunState]) -> bool:
        """Look at every active run, if it is time; True if something was decided, so that states are to be read again.

        Raises:
            StoreError: a file is missing or damaged.
        """
        if self._clock() < self._next_s:
            return False
        decided = [self._look(run_id, state) for run_id, state in states.items()]
        for gone in self._answers.keys() - states.keys():
            self._answers.pop(gone)
        self._next_s = self._clock() + max(EVERY_S, self._store.look_every_s)
        return any(decided)

    def _look(self, run_id: str, state: RunState) -> bool:
        manifest = self._manifests.of(run_id)
        models = in_service(manifest)
        return any([self._judge(manifest, state, name, models[name]) for name in models.keys() - state.stopped_models])

    def _is_open(self, manifest: RunManifest, state: RunState, name: str) -> bool:
        """Something is left that could be asked otherwise."""
        landed = landed_units(self._store, manifest.run_id)
        units = (shard_unit(s, g) for s in manifest.online_shards[name] for g in {0, state.generation})
        return any(unit not in landed for unit in units)

    def _judge(self, manifest: RunManifest, state: RunState, name: str, planned: Model) -> bool:
        run_id, rule = manifest.run_id, manifest.study.on_failure
        if not self._is_open(manifest, state, name):
            return False
        if run_id not in self._answers:
            self._answers[run_id] = AnswersSoFar(self._store, manifest)
        now = answering(state, name, planned)
        replaced = state.replacement(name)
        moments = [at for at in (state.restarted_at, None if replaced is None else replaced.at) if at is not None]
        asked = Asked(manifest.online_shards[name], now.model, max(moments, default=None))
        why = complaint(self._answers[run_id].tally(asked), rule)
        if why is None or not load_state(self._store, run_id).is_active:
            return False
        log.warning("version fails: %s", why, extra={"event": "version_failed", "run_id": run_id, "model": now.version})
        is_first = rule.then == "rollback" and replaced is None
        if not (is_first and roll_back(self._store, run_id, name, now, why)):
            pause(self._store, run_id, name, now, why)
        return True
