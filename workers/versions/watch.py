"""The keeper's look at registered versions in open runs: one that fails too often is paused or rolled back."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from schemas.events import RunState
from schemas.run import RunManifest
from storage.parts import landed_units
from storage.runs import append_event, load_state
from storage.store import Store
from workers.manifests import Manifests
from workers.open_units import online_units
from workers.versions.answers_so_far import AnswersSoFar, Asked, in_service
from workers.versions.rates import Tally, complaint
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
        models = in_service(manifest, state)
        units, landed = online_units(manifest, state), landed_units(self._store, run_id)
        judged = {
            name: Asked(units[name], answering(state, name, planned).model)
            for name, planned in models.items()
            if name not in state.stopped_models and not landed.issuperset(units[name])
        }
        if judged and run_id not in self._answers:
            self._answers[run_id] = AnswersSoFar(self._store, manifest)
        if judged and state.restart is not None and state.counted_before is None:
            return self._count_before(run_id, state, judged)
        return any([self._judge(manifest, state, name, asked) for name, asked in judged.items()])

    def _count_before(self, run_id: str, state: RunState, judged: Mapping[str, Asked]) -> bool:
        """Write down what was answered up to a restart: what comes on top is judged, on whichever host's clock."""
        tallies = {n: self._answers[run_id].tally(n, asked, journals=None) for n, asked in judged.items()}
        counts = {name: {"model": judged[name].model_id} | asdict(tally) for name, tally in tallies.items()}
        append_event(self._store, run_id, "counted_before", {"restart": state.restart, "counts": counts})
        return True

    def _judge(self, manifest: RunManifest, state: RunState, name: str, asked: Asked) -> bool:
        run_id, rule = manifest.run_id, manifest.study.on_failure
        before = None if state.counted_before is None else state.counted_before.get(name)
        tally = self._answers[run_id].tally(name, asked)
        if before is not None and before.model == asked.model_id:
            tally = tally.without(Tally(before.requests, before.failed, before.answers, before.unread))
        why = complaint(tally, rule)
        if why is None or not load_state(self._store, run_id).is_active:
            return False
        now = answering(state, name, manifest.models[name])
        log.warning("version fails: %s", why, extra={"event": "version_failed", "run_id": run_id, "model": now.version})
        is_first = rule.then == "rollback" and state.replacement(name) is None
        if not (is_first and roll_back(self._store, run_id, name, now, why)):
            pause(self._store, run_id, name, now, why)
        return True
