"""What to do next with a batch, and when. Pure: a ledger and what is wanted in, one step out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from schemas.batches import QUEUED, BatchLedger
from schemas.models import BatchDeployment

LONGEST_WAIT_S = 600.0
REFUSED_BEFORE_HALVING = 3
"""Times in a row that an otherwise empty queue may refuse a batch before it is halved."""
REFUSED_BEFORE_GIVING_UP = 10
"""Likewise for a batch of one request. Source: Microsoft Learn, how-to batch: ten tries, the wait doubling."""


class Step(StrEnum):
    """One thing to do with a batch."""

    NONE = "none"
    UPLOAD = "upload"
    FIND_UPLOAD = "find_upload"
    CHECK_FILE = "check_file"
    CREATE = "create"
    FIND_BATCH = "find_batch"
    POLL = "poll"
    CANCEL = "cancel"
    HARVEST = "harvest"
    ABANDON = "abandon"
    HALVE = "halve"
    REFUSE = "refuse"
    TIDY = "tidy"


@dataclass(frozen=True)
class Wish:
    """What is wanted of a batch.

    Attributes:
        may_spend: the run is active and its model answers: batches may be made.
        give_up: it is not wanted any more (run or batch cancelled, deadline near).
        has_room: some deployment's queue has room for it; `is_alone`: nothing else of ours is in it.
    """

    may_spend: bool
    give_up: bool
    has_room: bool = True
    is_alone: bool = True


def next_step(ledger: BatchLedger, wish: Wish, now: datetime) -> Step:
    """The next step, NONE if there is nothing to do now."""
    if ledger.wait_until is not None and now < ledger.wait_until and not _may_hurry(ledger, wish):
        return Step.NONE
    if ledger.state in {"harvested", "abandoned", "halved"}:
        return Step.TIDY
    if ledger.state in _AFTER_CREATE:
        return _after_create(ledger, wish)
    return _before_create(ledger, wish)


_AFTER_CREATE = frozenset({"creating", "created", "ended", "closed"})


def _may_hurry(ledger: BatchLedger, wish: Wish) -> bool:
    """A wait for the queue or the next poll ends when the batch is given up."""
    waits_for_nothing = ledger.state in {"packed", "uploaded", "processed"}
    return wish.give_up and (waits_for_nothing or (ledger.state == "created" and not ledger.cancel_asked))


def _after_create(ledger: BatchLedger, wish: Wish) -> Step:
    if ledger.state == "creating":
        return Step.FIND_BATCH  # whatever is wanted: only the service knows whether it exists
    if ledger.state == "created":
        return Step.CANCEL if wish.give_up and not ledger.cancel_asked else Step.POLL
    return Step.HARVEST if ledger.state == "ended" else Step.NONE


def _before_create(ledger: BatchLedger, wish: Wish) -> Step:
    if ledger.state == "halving":
        return Step.HALVE
    if wish.give_up:
        return Step.ABANDON
    if ledger.state == "uploading":
        return Step.FIND_UPLOAD
    return _to_make(ledger, wish) if wish.may_spend else Step.NONE


def _to_make(ledger: BatchLedger, wish: Wish) -> Step:
    if ledger.state == "packed":
        return Step.UPLOAD if wish.has_room else Step.NONE
    if ledger.state == "uploaded":
        return Step.CHECK_FILE
    if not wish.is_alone or ledger.n_refused < REFUSED_BEFORE_HALVING:
        return Step.CREATE
    if ledger.file.n_lines > 1:
        return Step.HALVE
    return Step.REFUSE if ledger.n_refused >= REFUSED_BEFORE_GIVING_UP else Step.CREATE


def queued_tokens(ledgers: Iterable[BatchLedger]) -> dict[str, int]:
    """Pool -> prompt tokens booked in its queue; a batch that is over gives its own back."""
    found: dict[str, int] = {}
    for ledger in ledgers:
        if ledger.pool is not None and ledger.state in QUEUED:
            found[ledger.pool] = found.get(ledger.pool, 0) + ledger.file.n_tokens
    return found


def choose(
    ledger: BatchLedger, deployments: Sequence[BatchDeployment], queued: Mapping[str, int], resting: Iterable[str]
) -> BatchDeployment | None:
    """The deployment with the emptiest queue that has room; None: wait.

    A batch larger than a whole queue goes into an empty one: only the service can say that it does not fit.

    Args:
        ledger: to be placed.
        deployments: of its model.
        queued: pool -> tokens booked.
        resting: pools whose queue refused a batch a moment ago.
    """
    closed = set(resting)
    open_ones = [each for each in deployments if each.pool_name not in closed and _fits(ledger, each, queued)]
    return min(open_ones, key=lambda each: queued.get(each.pool_name, 0), default=None)


def _fits(ledger: BatchLedger, deployment: BatchDeployment, queued: Mapping[str, int]) -> bool:
    inside = queued.get(deployment.pool_name, 0)
    return (
        deployment.enqueued_tokens is None or inside == 0 or inside + ledger.file.n_tokens <= deployment.enqueued_tokens
    )


def backoff(now: datetime, n_tries: int, first_s: float) -> datetime:
    """When to try again: the wait doubles from `first_s` up to ten minutes."""
    return now + timedelta(seconds=min(LONGEST_WAIT_S, first_s * 2 ** min(n_tries, 20)))


def rescue_at(deadline: datetime, online_s: float, margin_s: float) -> datetime:
    """When what is left must go online to be there in time: 20 % and a margin in hand.

    Args:
        deadline: of the arm.
        online_s: what is left takes online at the stated quotas, in seconds.
        margin_s: in hand besides.
    """
    return deadline - timedelta(seconds=1.2 * online_s + margin_s)
