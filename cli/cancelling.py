"""Giving up batches, and waiting until the service has let go of them."""

import threading
from collections.abc import Sequence

from cli.context import load_environ, load_settings, load_store
from cli.session import workers_for
from cli.views.batch import summary
from cli.views.console import err, out, print_json
from schemas.batches import BatchLedger
from schemas.errors import ExitCode, UserInputError
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store
from workers.batch.ledger import BatchShelf, open_batches

_LOOK_EVERY_S = 0.5
_TELL_EVERY = 20


def batch_numbered(store: Store, run: str, number: int) -> BatchLedger:
    """One batch of a run.

    Raises:
        UserInputError: there is no such run or batch.
    """
    load_manifest(store, run)
    ledgers = BatchShelf(store, run).ledgers()
    for ledger in ledgers:
        if ledger.number == number:
            return ledger
    known = f"It has {', '.join(str(b.number) for b in ledgers)}." if ledgers else "It has none."
    raise UserInputError(f"the run {run!r} has no batch {number}.", hint=known)


def cancel_batches(run: str, number: int | None, *, as_json: bool) -> int:
    """Cancel one or all open batches of a run and pause it."""
    store = load_store(load_settings())
    load_manifest(store, run)
    wanted = [batch_numbered(store, run, number)] if number is not None else open_batches(store, run)
    numbers = [ledger.number for ledger in wanted if not ledger.is_over]
    if numbers:
        if load_state(store, run).is_active:
            append_event(store, run, "paused", {"reason": "its batches were cancelled by a command"})
        append_event(store, run, "batch_cancelled", {"numbers": numbers})
        wait_for_batches(store, run, numbers)
    if as_json:
        print_json({"run_id": run, "cancelled": numbers})
    elif numbers:
        out.print(f"{len(numbers)} cancelled; what they had done is kept.", markup=False)
        out.print(f"`nightpoll resume {run}` asks for the rest.", markup=False)
    else:
        out.print("Nothing is open.", markup=False)
    return ExitCode.DONE


def wait_for_batches(store: Store, run: str, numbers: Sequence[int] | None = None) -> None:
    """Wait until batches are over and harvested; Ctrl-C leaves that to the workers.

    Args:
        store: where the run lives.
        run: its id.
        numbers: only these; None for all open ones.
    """
    if not _waiting(store, run, numbers):
        return
    pause, looks = threading.Event(), 0
    models = load_manifest(store, run).models
    with workers_for(store, load_settings(), load_environ(), models):
        try:
            while waiting := _waiting(store, run, numbers):
                if looks % _TELL_EVERY == 0:
                    err.print(f"waiting for the service: {summary(waiting)}", markup=False)
                looks += 1
                pause.wait(_LOOK_EVERY_S)
        except KeyboardInterrupt:
            err.print("The workers go on with it; `nightpoll batch list` shows how far it is.", markup=False)
            raise


def _waiting(store: Store, run: str, numbers: Sequence[int] | None) -> list[BatchLedger]:
    return [b for b in open_batches(store, run) if not b.is_over and (numbers is None or b.number in numbers)]
