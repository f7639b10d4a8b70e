"""What the processes of the overnight queue share: their entry point, their lock, and how an entry is closed.

A lock keeps two processes from the same work, and is asked again before anything is started; the run id in the entry
and the exclusive creation of the run folder keep any two from starting a run twice. They end with the worker that
started them: whoever is keeper next starts them again.
"""

import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from schemas.errors import NightpollError
from schemas.overnight import NIGHTS_DIR, OvernightQueue, QueueEntry
from schemas.settings import Settings
from storage.store import Store, open_store
from workers.logs import configure_logging
from workers.nights.entries import change_queue, read_queue
from workers.nights.log import ended, next_turn
from workers.opening import new_run_id
from workers.sole import check_held, sole_lock

log = logging.getLogger(__name__)

PARENT_POLL_S = 1.0
Guard = Callable[[], None]
"""Raises LockLostError where somebody else may be at the same work."""
Work = Callable[[Store, Settings, str, Guard], object]


def run_child(work: Work, kind: str, name: str, *, parent: int) -> int:
    """Do one piece of work in this process; its exit code.

    Args:
        work: what to do.
        kind: of work, for its lock.
        name: of the entry or night.
        parent: process id of the worker that started this one. Asked of the system, it would be somebody else's if
            that worker died while this process imported.
    """
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    settings = Settings()
    configure_logging(settings)
    store = open_store(settings.store, settings.cache)
    url = None if settings.redis_url is None else settings.redis_url.get_secret_value()
    lock = sole_lock(store, f"{NIGHTS_DIR}/{kind}-{name}.lock", url)
    if not lock.try_exclusive():
        return 0  # somebody else is at it
    try:
        work(store, settings, name, partial(check_held, lock))
    except NightpollError as error:
        log.error("%s", error, extra={"event": "night_work_failed", "code": error.code})
        return int(error.exit_code)
    return 0


def open_entry(store: Store, entry_id: str) -> QueueEntry | None:
    """An entry with something left to do, None if there is none of that id."""
    entry = read_queue(store).entry(entry_id)
    return entry if entry is not None and entry.is_open else None


def unguarded() -> None:
    """Nobody else can be at it."""


def end_entry(store: Store, ending: QueueEntry, now: datetime, *, state: str, reason: str, exit_code: int) -> None:
    """Close an entry (done, failed), or lay a nightly one that is done down until its next turn.

    Somebody else who has done so already is not overwritten: two keepers may see the same end.
    """
    next_run_id: list[str] = []  # one for all tries of the change

    def closed(queue: OvernightQueue) -> OvernightQueue:
        entry = queue.entry(ending.id)
        if entry is None or not entry.is_open or entry.run_id != ending.run_id:
            return queue
        fields: dict[str, object] = {"state": state, "reason": reason, "exit_code": exit_code, "attempts": 0}
        fields["nights"] = ended(entry, state, now)
        if state == "done" and entry.nightly:
            if not next_run_id:
                next_run_id.append(new_run_id(entry.name, now))
            fields |= {"state": "waiting", "run_id": next_run_id[0], "last_run_id": entry.run_id}
            fields["not_before"] = next_turn(entry, now)
        return queue.replaced(entry.id, **fields)

    change_queue(store, closed)


def told(error: NightpollError) -> str:
    """An error in one line, for the queue."""
    text = f"{error.where}: {error.what}" if error.where else error.what
    return text[:500]


def _end_with_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(PARENT_POLL_S)
    os._exit(1)
