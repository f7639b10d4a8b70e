"""kill -9 of the own process at one step of the batch path: `python -m tests.support.dying create:after` is a worker.

A point is `<what>:<before|after>`: what is a call to the service (upload, create, batch, download, delete_file), the
write of a ledger in some state (ledger=creating), the part, or the round. The first time it is reached ends the
process, unless the file of NIGHTPOLL_TEST_DIED says that it was reached before.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from providers.batch_client import BatchClient
from workers.batch import harvest as batch_harvest
from workers.batch import run as batch_run
from workers.batch import schedule as batch_schedule
from workers.batch.ledger import BatchShelf

CALLS = ("upload", "create", "batch", "download", "delete_file")
STATES = ("uploading", "processed", "creating", "created", "ended", "harvested", "closed")
POINTS = [
    f"{what}:{when}"
    for what in ("round", *CALLS[:2], *(f"ledger={state}" for state in STATES), *CALLS[2:], "part")
    for when in ("before", "after")
]


def die_at(point: str, died: Path) -> None:
    """From now on, this process ends at that point."""
    what, _, when = point.partition(":")

    def reached(now: str) -> None:
        if now == when and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    if what in CALLS:
        setattr(BatchClient, what, _async(getattr(BatchClient, what), reached))
    elif what == "part":
        batch_harvest.write_part_in_pieces = _plain(batch_harvest.write_part_in_pieces, reached)
    elif what == "round":
        BatchShelf.add_round = _plain(BatchShelf.add_round, reached)
    else:
        _at_ledger(what.removeprefix("ledger="), reached)


def _async(real: Callable[..., Any], reached: Callable[[str], None]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        reached("before")
        result = await real(*args, **kwargs)
        reached("after")
        return result

    return call


def _plain(real: Callable[..., Any], reached: Callable[[str], None]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        reached("before")
        result = real(*args, **kwargs)
        reached("after")
        return result

    return call


def _at_ledger(state: str, reached: Callable[[str], None]) -> None:
    real = BatchShelf.write

    def write(self: BatchShelf, ledger: Any) -> Any:
        entered = ledger.state == state
        if entered:
            reached("before")
        result = real(self, ledger)
        if entered:
            reached("after")
        return result

    BatchShelf.write = write


def without_search() -> None:
    """A create of which no answer came is simply done again."""
    real = batch_schedule.next_step

    def next_step(ledger: Any, wish: Any, now: Any) -> Any:
        if ledger.state == "creating":
            return batch_schedule.Step.CREATE
        return real(ledger, wish, now)

    batch_run.next_step = next_step


def without_patience() -> None:
    """The list is looked at once."""
    real = batch_schedule.next_step

    def next_step(ledger: Any, wish: Any, now: Any) -> Any:
        step = real(ledger, wish, now)
        if step is batch_schedule.Step.FIND_BATCH and ledger.search_until is not None:
            return batch_schedule.Step.CREATE
        return step

    batch_run.next_step = next_step


if __name__ == "__main__":
    from tests.support import sabotage  # shortens leases, before workers are imported by name

    die_at(sys.argv[1], Path(os.environ["NIGHTPOLL_TEST_DIED"]))
    for name in sys.argv[2:]:
        globals()[f"without_{name}"]()
    sys.argv = sys.argv[:1]
    sabotage.process.main()
