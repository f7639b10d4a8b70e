"""The steps of a batch at the service: made, looked for, watched, cancelled.

The ledger is written before and after every call. A step either ends with the ledger in its next state, or leaves it
where the next step finds out what happened.
"""

import logging
from datetime import timedelta

from providers.batch_client import BatchClient
from providers.batch_lines import LineFailure
from providers.batch_objects import TOKEN_LIMIT, RemoteBatch
from providers.prices import cost_usd, price_of
from providers.replies import Usage
from schemas.batches import BatchLedger, Seen
from schemas.errors import ModelError, RejectedRequestError, StoreError, TransientModelError
from workers.batch.ledger import now
from workers.batch.schedule import backoff
from workers.batch.turn import Turn
from workers.calls.settle import UPPER_PROMPT, UPPER_PROMPT_TOKENS
from workers.money.budget import Ask

log = logging.getLogger(__name__)

SEARCHES = 12
"""Looks at the list within the time that a batch is searched for."""


class NoMoney(Exception):  # noqa: N818 - an outcome, not an error
    """The batch does not fit into the run's budget, and nothing is open that could give back."""


async def create(turn: Turn, *, is_alone: bool, others_reserved: bool) -> None:
    """Make the batch: money first, then the intent, then the call.

    Args:
        turn: in state processed.
        is_alone: nothing else of ours is in the queue, so that a refusal is about this batch.
        others_reserved: other batches of the run hold money that may come back.

    Raises:
        NoMoney: it does not fit into the budget.
    """
    reserved = await _reserve(turn, others_reserved=others_reserved)
    if reserved is None:
        turn.wait(turn.desk.settings.batch_backoff_s, "waits for room in the budget")
        return
    # nothing is awaited between the reservation and this line: a budget is folded from it
    turn.write(state="creating", reserved_usd=reserved, is_settled=False, search_until=None)
    client = await turn.client()
    assert turn.ledger.file_id is not None, "processed"
    turn.check_held()  # whoever has the lock now looks for this batch, and makes it if it is not there
    try:
        batch = await client.create(turn.ledger.file_id, metadata=mark_of(turn.ledger))
    except TransientModelError as error:
        if error.code == TOKEN_LIMIT:
            await refused(turn, error.what, is_alone=is_alone)
        elif error.maybe_paid:
            until = now() + timedelta(seconds=turn.desk.settings.batch_search_s)
            turn.write(search_until=until, reason=error.what)
        else:
            await _not_created(turn)
            raise
        return
    except ModelError:
        await _not_created(turn)
        raise
    await _entered(turn, client, batch)


async def _entered(turn: Turn, client: BatchClient, batch: RemoteBatch) -> None:
    """Note the batch, or take it back if somebody else made another one while this process was stopped before the call.

    Raises:
        StoreError: the ledger is somebody else's by now, or cannot be written.
    """
    try:
        accept(turn, batch)
    except StoreError:
        if not turn.desk.is_held():
            known = next(each for each in turn.desk.shelf.ledgers() if each.number == turn.ledger.number)
            if known.batch_id not in {None, batch.id}:
                log.error("a batch exists twice", extra={"event": "batch_twice", "batch_id": batch.id})
                await client.cancel(batch.id)
        raise


async def _not_created(turn: Turn) -> None:
    tries = turn.ledger.n_tries
    await turn.give_back()
    turn.write(state="processed", n_tries=tries)


async def _reserve(turn: Turn, *, others_reserved: bool) -> float | None:
    budget, price = turn.desk.budget(), price_of(turn.model)
    if budget is None or price is None:
        return 0.0
    file = turn.ledger.file
    prompt = round(file.n_tokens * UPPER_PROMPT) + UPPER_PROMPT_TOKENS * file.n_lines
    amount = cost_usd(Usage(prompt, 0, file.n_max_tokens - file.n_tokens, 0), price, batch=True)
    said = await budget.reserve(amount, calls=0)
    if said is Ask.NO and not others_reserved:
        raise NoMoney
    return amount if said is Ask.GRANTED else None


def mark_of(ledger: BatchLedger) -> dict[str, str]:
    """What a batch is found by at the service."""
    return {
        "nightpoll_run": ledger.run_id[:200],
        "nightpoll_batch": f"{ledger.number:06d}",
        "nightpoll_key": ledger.key,
    }


def accept(turn: Turn, batch: RemoteBatch) -> None:
    """Note a batch that exists."""
    turn.write(
        state="created", batch_id=batch.id, since=now(), seen=seen_of(batch), search_until=None, reason="",
        wait_until=now() + timedelta(seconds=turn.desk.settings.batch_poll_s),
    )  # fmt: skip


async def find_batch(turn: Turn) -> None:
    """Look for a batch that may have been accepted, again and again, before it may be made again."""
    settings = turn.desk.settings
    if turn.ledger.search_until is None:
        turn.write(search_until=now() + timedelta(seconds=settings.batch_search_s))
    is_last = turn.ledger.search_until is not None and now() >= turn.ledger.search_until
    client, mark = await turn.client(), mark_of(turn.ledger)
    found = [
        batch
        async for batch in client.batches()
        if batch.id not in turn.ledger.dead_ids
        and batch.metadata is not None
        and mark.items() <= batch.metadata.items()
    ]
    turn.check_held()
    if found:
        first, *others = sorted(found, key=lambda b: 0 if b.created_at is None else b.created_at)
        for other in others:
            log.error("a batch exists twice", extra={"event": "batch_twice", "batch_id": other.id})
            await client.cancel(other.id)
        accept(turn, first)
    elif is_last:
        await turn.give_back()
        turn.write(state="processed", search_until=None)
    else:
        turn.write(wait_until=now() + timedelta(seconds=settings.batch_search_s / SEARCHES))


async def refused(turn: Turn, reason: str, *, is_alone: bool) -> None:
    """The queue did not take the batch: the uploaded file waits, its rows lose no try."""
    n_refused = turn.ledger.n_refused + is_alone
    dead = turn.ledger.dead_ids + ([] if turn.ledger.batch_id is None else [turn.ledger.batch_id])
    await turn.give_back()
    until = backoff(now(), n_refused, turn.desk.settings.batch_backoff_s)
    turn.write(
        state="processed", batch_id=None, dead_ids=dead, n_refused=n_refused, seen=None, problem=TOKEN_LIMIT,
        reason=reason, wait_until=until,
    )  # fmt: skip


async def poll(turn: Turn, *, is_alone: bool) -> None:
    """See how far the batch is."""
    assert turn.ledger.batch_id is not None, "created"
    client = await turn.client()
    try:
        batch = await client.batch(turn.ledger.batch_id)
    except RejectedRequestError as error:
        if error.code != "not_found":
            raise
        end_without(turn, "batch_not_found", error.what)
        return
    await take_note(turn, batch, is_alone=is_alone)


async def cancel(turn: Turn, *, is_alone: bool) -> None:
    """Ask the service to stop; what is done stays and is harvested."""
    assert turn.ledger.batch_id is not None, "created"
    client = await turn.client()
    batch = await client.cancel(turn.ledger.batch_id)
    turn.write(cancel_asked=True)
    await take_note(turn, batch, is_alone=is_alone)


async def take_note(turn: Turn, batch: RemoteBatch, *, is_alone: bool) -> None:
    """What the service showed."""
    if batch.hit_token_limit:
        await refused(turn, batch.problems[0].message, is_alone=is_alone)
    elif batch.is_over:
        first = batch.problems[0] if batch.problems and batch.status == "failed" else None
        turn.write(
            state="ended", seen=seen_of(batch), problem="" if first is None else first.code,
            reason="" if first is None else first.message,
        )  # fmt: skip
    else:
        until = now() + timedelta(seconds=turn.desk.settings.batch_poll_s)
        turn.write(seen=seen_of(batch), wait_until=until, n_tries=0, reason="")


def end_without(turn: Turn, code: str, reason: str) -> None:
    """The batch comes to nothing as a whole: its rows are told why."""
    turn.write(state="ended", seen=Seen(status="failed"), problem=code, reason=reason)


def whole_failure(ledger: BatchLedger) -> LineFailure | None:
    """Why no line of a batch has an answer, if it came to nothing as a whole."""
    if ledger.seen is None or ledger.seen.status != "failed":
        return None
    code = ledger.problem if ledger.problem else "batch_failed"
    message = ledger.reason if ledger.reason else "The service failed the batch and does not say why."
    return LineFailure(code, message, may_retry=code != TOKEN_LIMIT)


def seen_of(batch: RemoteBatch) -> Seen:
    """What is kept of a batch object."""
    counts = batch.counts
    return Seen(
        status=batch.status, total=counts.total, completed=counts.completed, failed=counts.failed,
        output_file_id=batch.output_file_id, error_file_id=batch.error_file_id,
    )  # fmt: skip
