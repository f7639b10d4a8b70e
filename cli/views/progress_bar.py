"""Progress of long work on a terminal; plain lines every few seconds where there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.views.console import err

PLAIN_EVERY_S = 5.0

Report = Callable[[int, int], None]


@contextmanager
def planning_bar(what: str = "planning") -> Iterator[Report]:
    """Yields a function (done, total)."""
    if err.is_terminal:
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    shown_s = time.monotonic()

    def plain(done: int, total: int) -> None:
        nonlocal shown_s
        if time.monotonic() - shown_s > PLAIN_EVERY_S:
            shown_s = time.monotonic()
            err.print(f"{what}: {done:,} of {total:,}")

    yield plain
