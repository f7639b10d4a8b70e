"""The overnight queue at work: the keeper in office asks once a second what is due and lets it happen.

What takes long happens elsewhere: planning and summing up in child processes, evaluations as jobs of the workers.
Nothing here needs to be remembered: whether an entry's run exists, works or rests is read from the store each time,
and every step may be done again.
"""

import logging
import os
import subprocess
import sys
import time
from datetime import datetime

from schemas import run_paths
from schemas.overnight import OvernightQueue, QueueEntry
from schemas.settings import Settings
from storage.runs import append_event, load_state
from storage.store import Store
from workers.evaluations.jobs import ask_for_evaluation
from workers.nights.child import end_entry
from workers.nights.clock import NightClock
from workers.nights.entries import change_queue, read_queue
from workers.nights.log import begun, ended
from workers.nights.rules import Known, Step, next_steps, night_is_over, untold_nights

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
MODULES = {"start": "workers.nights.start", "summary": "workers.nights.morning"}


class Nights:
    """What the keeper calls each tick; returns at once."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._clock = NightClock.of(settings)
        self._looked_s = -LOOK_EVERY_S
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def tick(self) -> None:
        """One look at the queue, at most once a second."""
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        for name in [n for n, child in self._children.items() if child.poll() is not None]:
            self._reap(name)
        queue = read_queue(self._store)
        if not queue.entries:
            return
        known = {entry.id: self._known(entry) for entry in queue.entries if entry.is_open}
        now = self._clock.now()
        steps = next_steps(queue, known, now)
        for step in steps:
            self._do(step, now)
        if not steps:
            self._sum_up(queue, known, now)

    def _known(self, entry: QueueEntry) -> Known:
        prepared = f"start-{entry.id}" in self._children
        if not self._store.exists(run_paths.run_json(entry.run_id)):
            return Known(is_prepared=prepared)
        state = load_state(self._store, entry.run_id)
        return Known(
            state.phase, state.reason, state.exit_code, prepared, state.evaluation, state.evaluation_note
        )  # fmt: skip

    def _do(self, step: Step, now: datetime) -> None:
        entry = step.entry
        log.info(
            "overnight queue", extra={"event": f"night_{step.kind}", "entry": entry.id, "run_id": entry.run_id}
        )  # fmt: skip
        if step.kind == "start":
            self._write(entry, attempts=entry.attempts + 1)
            self._start("start", entry.id)
        elif step.kind == "evaluate":
            ask_for_evaluation(self._store, entry.run_id, with_report="report" in entry.then)
            self._write(entry, state="finishing", attempts=0, nights=begun(entry, now))
        elif step.kind == "finish":
            end_entry(self._store, entry, now, state="done", reason=step.reason[:500], exit_code=step.exit_code)
        elif step.kind == "resume":
            self._write(entry, state="running", reason="", nights=begun(entry, now))  # first: it may be drained again
            append_event(self._store, entry.run_id, "resumed", {"by": "queue"})
        elif step.kind == "note":
            self._write(entry, state="running", reason="", attempts=0, nights=begun(entry, now))
        elif step.kind == "drain":
            if load_state(self._store, entry.run_id).is_active:
                append_event(self._store, entry.run_id, "paused", {"reason": step.reason})
            nights = ended(entry, "drained", now)
            self._write(entry, state="drained", reason=step.reason, nights=nights)
        else:
            state = "failed" if step.kind == "give_up" else "stopped"
            nights = ended(entry, state, now)
            self._write(entry, state=state, reason=step.reason, exit_code=step.exit_code, nights=nights)

    def _sum_up(self, queue: OvernightQueue, known: dict[str, Known], now: datetime) -> None:
        for night in untold_nights(queue):
            if night_is_over(queue, known, night, now):
                self._start("summary", str(night))

    def _write(self, entry: QueueEntry, **fields: object) -> None:
        change_queue(self._store, lambda queue: queue.replaced(entry.id, **fields))

    def _start(self, kind: str, name: str) -> None:
        known_as = f"{kind}-{name}"
        if known_as in self._children:
            return
        environ = os.environ | {"NIGHTPOLL_STORE": self._store.uri}
        command = [sys.executable, "-m", MODULES[kind], name, str(os.getpid())]
        self._children[known_as] = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environ)  # noqa: S603 - ours

    def _reap(self, name: str) -> None:
        code = self._children.pop(name).returncode
        if code != 0:
            log.warning("work for the overnight queue ended badly", extra={"event": "night_work", "exit_code": code})

    def stop(self) -> None:
        """Let children end; what they did not do is done by whoever is keeper next."""
        for child in self._children.values():
            child.terminate()
