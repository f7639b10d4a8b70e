"""Plan an entry's study and open its run: `python -m workers.nights.start ENTRY PARENT`."""

import os
import sys
from pathlib import Path

from producer.check import check
from schemas.errors import LockLostError, NightpollError
from schemas.overnight import QueueEntry
from schemas.run_paths import run_json
from schemas.settings import Settings
from storage.store import Store
from workers.nights.child import Guard, end_entry, open_entry, run_child, told, unguarded
from workers.nights.clock import NightClock
from workers.opening import open_run, plan_study, publish, registered_models


def start(store: Store, settings: Settings, entry_id: str, guard: Guard = unguarded) -> None:
    """Plan an entry's study and open its run; what was done before is not done again.

    Raises:
        LockLostError: somebody else may be doing so; nothing was opened then.
    """
    clock = NightClock.of(settings)
    entry = open_entry(store, entry_id)
    if entry is None:
        return
    try:
        if not store.exists(run_json(entry.run_id)):
            _plan(store, entry, guard)
        still = open_entry(store, entry_id)  # planning takes minutes: somebody may have removed it, or morning come
        if still is not None and still.may_work(clock.now()):
            open_run(
                store,
                entry.run_id,
                fresh=entry.fresh or entry.nightly,
                detached=True,
                deadline=still.deadline_at(clock.now()),
                guard=guard,
            )
    except LockLostError:
        raise  # the entry is somebody else's now
    except NightpollError as error:
        guard()  # what failed here may have been done elsewhere meanwhile
        end_entry(store, entry, clock.now(), state="failed", reason=told(error), exit_code=int(error.exit_code))


def _plan(store: Store, entry: QueueEntry, guard: Guard) -> None:
    models = None if entry.models is None else Path(entry.models)
    checked = check(Path(entry.study), models, environ=os.environ, registered=registered_models(store))
    checked.raise_if_wrong()
    planned = plan_study(store, checked, run_id=entry.run_id, pilot=entry.pilot, progress=None)
    guard()
    publish(store, planned)


if __name__ == "__main__":
    sys.exit(run_child(start, "start", sys.argv[1], parent=int(sys.argv[2])))
