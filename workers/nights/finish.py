"""Evaluate and report a finished run of the overnight queue: `python -m workers.nights.finish ENTRY`."""

import os
import sys

from evaluation.job import evaluate_run
from evaluation.report import write_report
from schemas.errors import NightpollError
from schemas.settings import Settings
from storage.runs import load_state
from storage.store import Store
from workers.nights.child import end_entry, open_entry, run_child, told
from workers.nights.clock import NightClock
from workers.nights.rules import MOST_ATTEMPTS

CALMER_THAN_WORKERS = 5


def finish(store: Store, settings: Settings, entry_id: str) -> None:
    """Evaluate and report a finished run as its entry says, and close the entry or lay it down until tomorrow."""
    entry = open_entry(store, entry_id)
    if entry is None:
        return
    trouble = ""
    try:
        if entry.attempts > MOST_ATTEMPTS:
            trouble = f"The evaluation died {MOST_ATTEMPTS} times without a word."
        elif entry.then:
            found = evaluate_run(store, entry.run_id)
            if "report" in entry.then:
                write_report(store, entry.run_id, found)
    except NightpollError as error:
        trouble = told(error)
    code = load_state(store, entry.run_id).exit_code
    end_entry(store, entry_id, NightClock.of(settings).now(), state="done", reason=trouble, exit_code=code)


if __name__ == "__main__":
    os.nice(CALMER_THAN_WORKERS)
    sys.exit(run_child(finish, "finish", sys.argv[1]))
