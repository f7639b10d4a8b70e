"""All open runs on one calm screen: a line a run, once a second, until none is open any more."""

import threading

from rich.console import JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.follow import View, Watcher
from cli.views.console import out, print_json
from producer.planning.transport_choice import span
from schemas.dollars import dollars
from schemas.errors import ExitCode
from storage.runs import list_run_ids, load_state
from storage.store import Store

WIDE = 100
"""From this width on counts stand beside the share."""
_ID_WIDTH, _LEAST_TROUBLE = 26, 8
_COLUMNS: tuple[tuple[str, int, JustifyMethod], ...] = (
    ("run", _ID_WIDTH, "left"), ("state", 9, "left"), ("settled", 17, "right"), ("%", 4, "right"),
    ("rate", 6, "right"), ("US$", 8, "right"), ("left", 7, "right"),
)  # fmt: skip


def open_runs(store: Store) -> list[str]:
    """Runs that calls may go out for."""
    return [run_id for run_id in list_run_ids(store) if load_state(store, run_id).is_active]


def watch_all(store: Store, *, every_s: float, as_json: bool) -> int:
    """Show every open run, and those that end meanwhile in their last state, until all have ended.

    On a terminal one screen that stands still; elsewhere a line whenever a run has changed.
    """
    watchers: dict[str, Watcher] = {}
    told: dict[str, str] = {}
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
                live.update(screen(views, width=out.width), refresh=True)
            elif as_json:
                print_json({"runs": [view.as_json(run_id) for run_id, view in views.items()]})
            else:
                _tell_changes(views, told)
            if not any(view.state.is_active for view in views.values()):
                return ExitCode.DONE
            pause.wait(every_s)
    finally:
        if live is not None:
            live.stop()


def _tell_changes(views: dict[str, View], told: dict[str, str]) -> None:
    for run_id, view in views.items():
        line = f"{run_id}: {view.line()}"
        p = view.progress
        seen = f"{view.state.phase} {p.n_settled} {p.reasons} {view.state.evaluation}"  # not the rate: it never rests
        if told.get(run_id) != seen:
            told[run_id] = seen
            out.print(line, markup=False)


def screen(views: dict[str, View], *, width: int = WIDE) -> Table:
    """The runs as a table whose columns stay where they are while figures grow.

    Args:
        views: by run id.
        width: of the terminal; below WIDE counts are left out and the share stays.
    """
    columns = [*_COLUMNS] if width >= WIDE else [column for column in _COLUMNS if column[0] != "settled"]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for header, size, justify in columns:
        table.add_column(header, width=size, justify=justify, no_wrap=True)
    rest = width - sum(size + 1 for _, size, _ in columns)
    table.add_column("trouble", width=max(rest, _LEAST_TROUBLE), no_wrap=True, overflow="ellipsis")
    for run_id, view in views.items():
        table.add_row(*(Text(cell) for cell in _cells(run_id, view, with_counts=width >= WIDE)))
    return table


def _cells(run_id: str, view: View, *, with_counts: bool) -> list[str]:
    p = view.progress
    share = p.n_settled / p.n_requests if p.n_requests else 1.0
    counts = [f"{p.n_settled:,}/{p.n_requests:,}"] if with_counts else []
    left = "" if view.left_s is None else span(view.left_s)
    trouble = ", ".join(f"{code} {n:,}" for code, n in p.reasons.most_common(2))
    if view.state.phase in ("stopped", "paused") and view.state.reason:
        trouble = view.state.reason
    return [
        _cut(run_id), view.state.phase, *counts, f"{share:.0%}", f"{view.rate_per_s:.0f}/s",
        dollars(p.cost_usd).removeprefix("$"), left, trouble,
    ]  # fmt: skip


def _cut(run_id: str) -> str:
    """Both ends of a long id: runs of one study begin alike, runs of one night end alike."""
    half = (_ID_WIDTH - 1) // 2
    return run_id if len(run_id) <= _ID_WIDTH else f"{run_id[:half]}…{run_id[-half:]}"
