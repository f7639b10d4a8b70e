"""One call from its turn at the limiter to its outcome: journal the intent, call, retry, settle.

Order of steps and what a crash between them means: docs/design/shard-life.md. Nothing is called without a line in
the journal before it.
"""

import asyncio
from collections.abc import Sequence
from random import Random

from providers.families import wire_parameters
from providers.prices import cost_usd
from providers.replies import Reply, Usage
from schemas.completion_form import asked
from schemas.errors import ModelError, ServiceRefusedError, TransientModelError
from schemas.identity import seed_from
from schemas.models import Price
from workers import metrics
from workers.batch.counts import ANSWERED
from workers.calls.aftermath import after_error, after_reply
from workers.calls.lanes import Lane, least_busy, usable
from workers.calls.outcomes import answered, failed, paid_usd
from workers.calls.requests import PlannedRequest
from workers.calls.retry import GiveUp, decide
from workers.calls.settling import NoLaneLeft, OverBudget, Settling, Tries
from workers.money.budget import Ask
from workers.shards.control import StopWork
from workers.shards.landing import Answer

UPPER_PROMPT = 1.5
"""Full price of a call: the prompt may count up to this much more than planned, and a little for small ones."""
UPPER_PROMPT_TOKENS = 64


async def settle(request: PlannedRequest, work: Settling, *, earlier_attempts: int = 0) -> Answer:
    """The outcome of one call; every failure that is not the run's ends in an Answer with outcome `failed`.

    Raises:
        StopWork: no call may go out any more; what is journalled stays.
    """
    tries, rng = Tries(), None
    while True:
        await work.journal.ready(
            request.call_id, 0.0 if work.budget is None else most_usd(request, (*work.lanes, *work.fallback))
        )
        lane = await _lane(request, work)
        async with lane.gate.turn(work.stopped):
            outcome = await _one_try(request, lane, work, tries)
        if isinstance(outcome, Reply):
            attempts = earlier_attempts + tries.attempts
            answer = answered(lane, outcome, paid_before_usd=tries.paid_usd, attempts=attempts)
            return _settled(request, work, answer)
        if isinstance(outcome, ServiceRefusedError):
            continue  # the breaker knows; another lane may serve
        if rng is None:
            rng = Random(seed_from("retry", request.call_id))  # noqa: S311 - jitter, no secret
        decision = decide(outcome, attempts=tries.attempts, throttles=tries.throttles, rng=rng)
        if isinstance(decision, GiveUp):
            attempts = earlier_attempts + tries.attempts
            return _settled(request, work, failed(lane, outcome, paid_before_usd=tries.paid_usd, attempts=attempts))
        await _wait(decision.delay_s, work)


def _settled(request: PlannedRequest, work: Settling, answer: Answer) -> Answer:
    is_over = answer.outcome not in request.goes_on_after
    work.journal.answer(request.call_id, answer.record(), is_over=is_over)
    metrics.answered(answer)
    if is_over:
        work.count(answer.outcome)
    return answer


async def _lane(request: PlannedRequest, work: Settling) -> Lane:
    """The least busy lane that takes this call now; waits for a breaker, gives up when all are gone."""
    while True:
        work.guard()
        now_s = asyncio.get_running_loop().time()
        lanes = _serving(work)
        fitting = [lane for lane in lanes if lane.fits(request) and lane.breaker.gone is None]
        lanes = fitting if fitting else lanes
        open_lanes = usable(lanes, now_s)
        if open_lanes:
            return least_busy(open_lanes)
        hopeful = [lane for lane in lanes if lane.breaker.gone is None]
        await _wait(max(0.05, min(lane.breaker.pause_left_s(now_s) for lane in hopeful)), work)


def _serving(work: Settling) -> Sequence[Lane]:
    for lanes in (work.lanes, work.fallback):
        if any(lane.breaker.gone is None for lane in lanes):
            return lanes
    raise NoLaneLeft(work.lanes)


async def _one_try(request: PlannedRequest, lane: Lane, work: Settling, tries: Tries) -> Reply | ModelError:
    work.guard()
    if not lane.breaker.needs_probe:
        return await _in_turn(request, lane, work, tries)
    async with lane.probe:  # before the turn: a turn that waits for the first answer would be lost
        work.guard()
        if lane.breaker.needs_probe:
            if lane.breaker.is_open(asyncio.get_running_loop().time()):
                return TransientModelError("waited for the first answer of the endpoint", code="probe_wait")
            return await _in_turn(request, lane, work, tries)
    return await _in_turn(request, lane, work, tries)


async def _in_turn(request: PlannedRequest, lane: Lane, work: Settling, tries: Tries) -> Reply | ModelError:
    tokens = lane.quota_tokens(request)
    with metrics.LIMITER_WAIT.time():
        if not await lane.limiter.acquire(tokens, owner=work.stopped):
            raise StopWork
    return await _call(request, lane, work, tries, tokens)


async def _reserve(request: PlannedRequest, lane: Lane, work: Settling) -> float | None:
    """US$ reserved for one call (0 without a budget), None if the money may be there later."""
    if work.budget is None or lane.price is None:
        return 0.0
    full_usd = full_price_usd(request, lane.price)
    said = await work.budget.reserve(full_usd)
    if said is Ask.NO:
        raise OverBudget
    return full_usd if said is Ask.GRANTED else None


def most_usd(request: PlannedRequest, lanes: Sequence[Lane]) -> float:
    """The most that a budget reserves for one call, whichever lane serves it; 0 without lanes."""
    prices = [lane.price for lane in lanes if lane.price is not None]
    return max((full_price_usd(request, price) for price in prices), default=0.0)


def full_price_usd(request: PlannedRequest, price: Price) -> float:
    """The most one call of a request can cost."""
    prompt = int(request.prompt_tokens * UPPER_PROMPT) + UPPER_PROMPT_TOKENS
    completion = max(request.completion_tokens, request.max_tokens - request.prompt_tokens)
    return cost_usd(Usage(prompt, 0, completion, 0), price)


async def _call(request: PlannedRequest, lane: Lane, work: Settling, tries: Tries, tokens: int) -> Reply | ModelError:
    reserved_usd: float | None = 0.0
    try:
        reserved_usd = await _reserve(request, lane, work)
        if reserved_usd is None:
            lane.limiter.give_back(tokens, calls=1)
            return TransientModelError("waited for room in the budget", code="budget_wait")
        work.guard()  # right before the call: the lock may have gone while we waited for the turn
    except StopWork:
        lane.limiter.give_back(tokens, calls=1)
        if reserved_usd and work.budget is not None:
            await work.budget.settle(reserved_usd, 0.0)
        raise
    parameters = lane.spelling.applied(wire_parameters(lane.model.family, request.parameters))
    work.journal.intent(request.call_id, reserved_usd)
    work.count("called")
    work.moved()
    try:
        name, said = asked(request.messages)
        body = {name: said} | parameters
        with metrics.IN_FLIGHT.track_inprogress():
            reply = await lane.client.complete(body, call_id=request.call_id, timeout_s=lane.model.timeout_s)
    except ModelError as error:
        usage: Usage | None = getattr(error, "usage", None)
        maybe_paid = bool(getattr(error, "maybe_paid", False)) and usage is None
        work.journal.failure(request.call_id, error.code, maybe_paid=maybe_paid)
        if work.budget is not None:
            await work.budget.settle(reserved_usd, reserved_usd if maybe_paid else paid_usd(lane, usage))
        tries.paid_usd += paid_usd(lane, usage)
        return await after_error(error, lane, work, tries, sent=parameters, tokens=tokens)
    tries.attempts += 1
    metrics.CALL_OUTCOMES.labels(ANSWERED).inc()
    if work.budget is not None:
        await work.budget.settle(reserved_usd, reserved_usd if reply.usage is None else paid_usd(lane, reply.usage))
    await after_reply(request, reply, lane, work, tokens)
    return reply


async def _wait(delay_s: float, work: Settling) -> None:
    try:
        await asyncio.wait_for(work.stopped.wait(), timeout=delay_s)
    except TimeoutError:
        return
    raise StopWork
