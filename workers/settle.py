"""One call from its turn at the limiter to its outcome: journal the intent, call, retry, settle.

Order of steps and what a crash between them means: docs/design/shard-life.md. Nothing is called without a line in
the journal before it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from providers.families import wire_parameters
from providers.prices import cost_usd
from providers.replies import Reply, Usage
from schemas.errors import (
    ModelError,
    OversizedRequestError,
    RateLimitedError,
    RejectedRequestError,
    ServiceRefusedError,
    TransientModelError,
)
from schemas.identity import seed_from
from schemas.models import Price
from workers.budget import Ask, RunBudget
from workers.control import StopWork
from workers.journal import Journal
from workers.landing import Answer
from workers.lanes import Lane, least_busy, usable
from workers.outcomes import answered, failed, paid_usd
from workers.requests import PlannedRequest
from workers.retry import GiveUp, decide

LONGEST_HOLD_S = 60.0
"""A service's hint holds the pool back this long at most at a time; the next 429 holds it again."""
UPPER_PROMPT = 1.5
"""Full price of a call: the prompt may count up to this much more than planned, and a little for small ones."""
UPPER_PROMPT_TOKENS = 64


class NoLaneLeft(StopWork):
    """Every deployment of the model refuses or cannot be reached."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        worst = max(lanes, key=lambda lane: 0 if lane.breaker.gone is None else lane.breaker.gone)
        super().__init__(worst.breaker.reason)
        self.exit_code = 6 if worst.breaker.gone is None else worst.breaker.gone
        self.code = worst.breaker.code
        self.message = worst.breaker.reason


class OverBudget(StopWork):
    """The next call would not fit into the run's budget."""


@dataclass(frozen=True)
class Settling:
    """What all requests of a shard share while they are settled.

    Attributes:
        guard: raises StopWork when no call may go out (drain, pause, lock lost).
        stopped: set at the same moment, to end waits early.
        count: told "called", "ok", "error:<code>" and the like, for status.
        moved: told whenever a call goes out, so that a shard without any yields its slot.
    """

    lanes: Sequence[Lane]
    journal: Journal
    guard: Callable[[], None]
    stopped: asyncio.Event
    count: Callable[[str], None]
    moved: Callable[[], None]
    budget: RunBudget | None = None


@dataclass
class _Tries:
    attempts: int = 0
    throttles: int = 0
    paid_usd: float = 0.0


async def settle(request: PlannedRequest, work: Settling, *, earlier_attempts: int = 0) -> Answer:
    """The outcome of one call; every failure that is not the run's ends in an Answer with outcome `failed`.

    Raises:
        StopWork: no call may go out any more; what is journalled stays.
    """
    tries, rng = _Tries(), None
    while True:
        lane = await _lane(work)
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
    if is_over:
        work.count(answer.outcome)
    return answer


async def _lane(work: Settling) -> Lane:
    """The least busy lane that lets calls through; waits for a breaker, gives up when all are gone."""
    while True:
        work.guard()
        now_s = asyncio.get_running_loop().time()
        open_lanes = usable(work.lanes, now_s)
        if open_lanes:
            return least_busy(open_lanes)
        hopeful = [lane for lane in work.lanes if lane.breaker.gone is None]
        if not hopeful:
            raise NoLaneLeft(work.lanes)
        await _wait(max(0.05, min(lane.breaker.pause_left_s(now_s) for lane in hopeful)), work)


async def _one_try(request: PlannedRequest, lane: Lane, work: Settling, tries: _Tries) -> Reply | ModelError:
    work.guard()
    if lane.breaker.proven:
        return await _in_turn(request, lane, work, tries)
    async with lane.probe:  # before the turn: a turn that waits for the first answer would be lost
        work.guard()
        if not lane.breaker.proven:
            if lane.breaker.is_open(asyncio.get_running_loop().time()):
                return TransientModelError("waited for the first answer of the endpoint", code="probe_wait")
            return await _in_turn(request, lane, work, tries)
    return await _in_turn(request, lane, work, tries)


async def _in_turn(request: PlannedRequest, lane: Lane, work: Settling, tries: _Tries) -> Reply | ModelError:
    tokens = lane.quota_tokens(request)
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


def full_price_usd(request: PlannedRequest, price: Price) -> float:
    """The most one call of a request can cost."""
    prompt = int(request.prompt_tokens * UPPER_PROMPT) + UPPER_PROMPT_TOKENS
    completion = max(request.completion_tokens, request.max_tokens - request.prompt_tokens)
    return cost_usd(Usage(prompt, 0, completion, 0), price)


async def _call(request: PlannedRequest, lane: Lane, work: Settling, tries: _Tries, tokens: int) -> Reply | ModelError:
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
    call = request.call_id
    body = {"messages": request.messages} | wire_parameters(lane.model.family, request.parameters)
    work.journal.intent(call, reserved_usd)
    work.count("called")
    work.moved()
    try:
        reply = await lane.client.complete(body, call_id=call, timeout_s=lane.model.timeout_s)
    except ModelError as error:
        usage: Usage | None = getattr(error, "usage", None)
        maybe_paid = bool(getattr(error, "maybe_paid", False)) and usage is None
        work.journal.failure(call, error.code, maybe_paid=maybe_paid)
        if work.budget is not None:
            await work.budget.settle(reserved_usd, reserved_usd if maybe_paid else paid_usd(lane, usage))
        tries.paid_usd += paid_usd(lane, usage)
        return await _after_error(error, lane, work, tries)
    tries.attempts += 1
    lane.breaker.answered()
    lane.gate.went_well()
    await _after_reply(request, reply, lane, work, tokens, reserved_usd)
    return reply


async def _after_reply(
    request: PlannedRequest, reply: Reply, lane: Lane, work: Settling, tokens: int, reserved_usd: float
) -> None:
    usage = reply.usage
    if work.budget is not None:
        await work.budget.settle(reserved_usd, reserved_usd if usage is None else paid_usd(lane, usage))
    if usage is not None and not lane.counts_maxima:
        lane.limiter.give_back(tokens - usage.prompt_tokens - usage.completion_tokens)
        lane.usage.learn(
            request, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
        )


async def _after_error(error: ModelError, lane: Lane, work: Settling, tries: _Tries) -> ModelError:
    now_s = asyncio.get_running_loop().time()
    work.count(f"error:{error.code}")
    if isinstance(error, ServiceRefusedError):
        lane.breaker.refused(now_s, code=error.code, reason=error.what)
        return error
    if isinstance(error, RateLimitedError):
        lane.breaker.answered()
        lane.gate.went_badly(now_s)
        tries.throttles += 1
        if error.retry_after_s is not None:
            await lane.limiter.hold(min(error.retry_after_s, LONGEST_HOLD_S))
        return error
    if isinstance(error, OversizedRequestError | RejectedRequestError):
        lane.breaker.answered()
        tries.attempts += 1
        return error
    reached = error.code != "unreachable"
    lane.breaker.failed(now_s, reached=reached, code=error.code, reason=error.what)
    if reached:
        lane.gate.went_badly(now_s)
        tries.throttles = 0
        tries.attempts += 1
    else:
        tries.throttles += 1  # nobody was there to try: a wait, no attempt
    return error


async def _wait(delay_s: float, work: Settling) -> None:
    try:
        await asyncio.wait_for(work.stopped.wait(), timeout=delay_s)
    except TimeoutError:
        return
    raise StopWork
