"""What a worker process knows of the runs it works on: may calls go out, and if not, why."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from schemas import run_paths
from schemas.errors import NightpollError
from schemas.events import EventKind, RunState
from schemas.models import Model
from storage.runs import append_event, load_events, load_state
from storage.store import Store

log = logging.getLogger(__name__)

_ANSWERS = frozenset(
    {"resumed", "generation", "paused", "cancelled", "stopped", "environment", "over_budget", "finished"}
)
"""After one of these a stop that could not be written is out of date; other events say nothing about it."""


class StopWork(Exception):  # noqa: N818 - an order, not an error
    """No further call for this shard: drain, pause, cancel, a refusing service, or the lock is lost."""


@dataclass
class RunControl:
    """One model of one run in this process, as one version of it answers.

    Attributes:
        entry: of the version that was rolled back to; None: the model as planned.
        stopped: set when no call may go out any more.
        is_outdated: because another version answers from now on.
    """

    run_id: str
    model: str
    entry: Model | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    n_shards: int = 0
    seen_events: int = -1
    is_outdated: bool = False

    @property
    def version(self) -> str | None:
        """NAME@VERSION that was rolled back to."""
        return None if self.entry is None else self.entry.version

    @property
    def key(self) -> tuple[str, str, str | None]:
        """Run, model, and version that was rolled back to."""
        return self.run_id, self.model, self.version


class RunWatch:
    """Folds the events of the runs that are worked on here, as often as the store may be looked at."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: dict[tuple[str, str, str | None], RunControl] = {}
        self._owed: dict[str, tuple[int, str]] = {}  # stops that a full store did not take: events then, reason
        self._task: asyncio.Task[None] | None = None

    async def enter(self, run_id: str, model: str) -> RunControl:
        """A shard of the run begins here.

        Raises:
            StoreError: the run's events cannot be read.
        """
        replaced = (await asyncio.to_thread(load_state, self._store, run_id)).replacement(model)
        control = RunControl(run_id, model, None if replaced is None else replaced.entry)
        control = self._runs.setdefault(control.key, control)
        control.n_shards += 1
        try:
            await self._refresh(control)
        except BaseException:
            self.leave(control)
            raise
        if run_id in self._owed:
            control.stopped.set()
        self._keep_watching()
        return control

    def leave(self, control: RunControl) -> None:
        """A shard of the run ended here."""
        control.n_shards -= 1
        if control.n_shards == 0:
            self._runs.pop(control.key, None)

    def is_busy(self) -> bool:
        """A shard is being worked on."""
        return bool(self._runs)

    def n_kinds(self) -> int:
        """Runs and models that are worked on here."""
        return len({key[:2] for key in self._runs})

    def n_shards(self) -> int:
        """Shards that are worked on here."""
        return sum(control.n_shards for control in self._runs.values())

    def stop_all(self) -> None:
        """Drain: no further call for any run."""
        for control in self._runs.values():
            control.stopped.set()

    async def stop_model(self, control: RunControl, *, exit_code: int, message: str, code: str) -> None:
        """Nobody serves the model any more: stop here at once, and everywhere by an event (one is enough)."""
        control.stopped.set()
        state = await asyncio.to_thread(self._state_of, control.run_id)
        if state is None or not state.is_active or _is_outdated(control, state):
            return
        if control.model not in state.stopped_models:
            data = {"model": control.model, "message": message, "code": code, "exit_code": exit_code}
            await asyncio.to_thread(self._append, control, "model_stopped", data)

    async def over_budget(self, control: RunControl, budget_usd: float | None, message: str) -> None:
        """No money for the next call: stop the run, unless the budget was raised from `budget_usd` meanwhile."""
        state = await asyncio.to_thread(self._state_of, control.run_id)
        if state is None or not state.is_active or state.budget_usd != budget_usd or control.stopped.is_set():
            return
        control.stopped.set()
        await asyncio.to_thread(self._append, control, "over_budget", {"message": message})

    async def environment_failed(self, control: RunControl, message: str) -> None:
        """Store or endpoint cannot be used: stop the run until somebody mends it.

        A store that cannot even take the stop is asked again until it does; no shard of the run is worked on before.
        """
        control.stopped.set()
        self._owed.setdefault(control.run_id, (control.seen_events, message))
        await self._pay(control.run_id)
        self._keep_watching()

    async def _pay(self, run_id: str) -> None:
        owed = self._owed.get(run_id)
        if owed is None:
            return  # paid by another shard's failure while this one waited
        if await asyncio.to_thread(self._say_once, run_id, *owed):
            self._owed.pop(run_id, None)

    def _say_once(self, run_id: str, seen_events: int, message: str) -> bool:
        """Whether nothing is owed any more: written, or somebody said something since (another stop, a resume)."""
        try:
            since = load_events(self._store, run_id)[seen_events:] if seen_events >= 0 else []
            if not {event.kind for event in since} & _ANSWERS:
                append_event(self._store, run_id, "environment", {"message": message})
        except NightpollError as error:
            log.info("stop not written yet", extra={"event": "stop_owed", "run_id": run_id, "code": error.code})
            return False
        return True

    def _append(self, control: RunControl, kind: EventKind, data: dict[str, Any]) -> None:
        try:
            append_event(self._store, control.run_id, kind, data)
        except NightpollError:
            log.exception("event not written", extra={"event": "event_lost", "run_id": control.run_id})

    def _state_of(self, run_id: str) -> RunState | None:
        try:
            return load_state(self._store, run_id)
        except NightpollError:
            return None

    async def _refresh(self, control: RunControl) -> None:
        n_events = len(await asyncio.to_thread(self._store.names, run_paths.events_dir(control.run_id)))
        if n_events == control.seen_events:
            return
        state = await asyncio.to_thread(self._state_of, control.run_id)
        if state is None:
            return
        control.seen_events = n_events
        control.is_outdated = _is_outdated(control, state)
        if not state.is_active or control.model in state.stopped_models or control.is_outdated:
            control.stopped.set()

    def _keep_watching(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while self._runs or self._owed:
            for run_id in list(self._owed):
                await self._pay(run_id)
            for control in list(self._runs.values()):
                try:
                    await self._refresh(control)
                except NightpollError:
                    log.exception("events not read", extra={"event": "watch_failed", "run_id": control.run_id})
            await asyncio.sleep(self._store.look_every_s)


def _is_outdated(control: RunControl, state: RunState) -> bool:
    replaced = state.replacement(control.model)
    return control.version != (None if replaced is None else replaced.entry.version)
