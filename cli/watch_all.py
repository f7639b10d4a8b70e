"""All open runs on one calm screen: a line a run, once a second, until none is open any more."""

import threading

from rich.live import Live
from rich.table import Table

from cli.follow import View, Watcher
from cli.views.console import out, print_json
from schemas.errors import ExitCode
from storage.runs import list_run_ids, load_state
from storage.store import Store

_HEADERS = ("run", "state", "settled", "", "rate", "US$", "left", "trouble")


def open_runs(store: Store) -> list[str]:
    """Runs that calls may go out for."""
    return [run_id for run_id in list_run_ids(store) if load_state(store, run_id).is_active]


def watch_all(store: Store, *, every_s: float, as_json: bool) -> int:
    """Show every open run, and those that end meanwhile in their last state, until all have ended."""
    watchers: dict[str, Watcher] = {}
    pause = threading.Event()
    live = Live(console=out, auto_refresh=False) if out.is_terminal and not as_json else None
    if live is not None:
        live.start()
    try:
        while True:
            for run_id in open_runs(store):
                watchers.setdefault(run_id, Watcher(store, run_id))
            views = {run_id: watcher.look() for run_id, watcher in watchers.items()}
            if live is not None:
                live.update(screen(views), refresh=True)
            elif as_json:
                print_json({"runs": [view.as_json(run_id) for run_id, view in views.items()]})
            else:
                for run_id, view in views.items():
                    out.print(f"{run_id}: {view.line()}", markup=False)
            if not any(view.state.is_active for view in views.values()):
                return ExitCode.DONE
            pause.wait(every_s)
    finally:
        if live is not None:
            live.stop()


def screen(views: dict[str, View]) -> Table:
    """The runs as a table."""
    table = Table(*_HEADERS, box=None, pad_edge=False)
    for run_id, view in views.items():
        p = view.progress
        share = p.n_settled / p.n_requests if p.n_requests else 1.0
        left = "" if view.left_s is None else f"{view.left_s / 60:,.0f} min"
        trouble = ", ".join(f"{code} {n:,}" for code, n in p.reasons.most_common(2))
        settled = f"{p.n_settled:,}/{p.n_requests:,}"
        table.add_row(
            run_id, view.state.phase, settled, f"{share:.0%}", f"{view.rate_per_s:.0f}/s", f"{p.cost_usd:.2f}", left,
            trouble,
        )  # fmt: skip
    return table
