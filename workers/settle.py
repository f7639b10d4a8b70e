"""One request from its turn at the limiter to its outcome: journal the intent, call, retry, settle.

Source of the order of steps: docs/design/shard-life.md. Nothing is called without a line in the journal before it.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from providers.families import wire_parameters
from providers.prices import cost_usd
from providers.replies import Reply
from schemas.errors import ModelError, RateLimitedError, TransientModelError
from schemas.identity import call_id, seed_from
from workers.control import StopWork
from workers.journal import Journal
from workers.landing import Answer
from workers.lanes import Lane, least_busy
from workers.requests import PlannedRequest
from workers.retry import GiveUp, Stop, decide


class ServiceRefused(StopWork):
    """The lane refuses for good."""

    def __init__(self, lane: Lane, error: ModelError) -> None:
        super().__init__(error.what)
        self.lane = lane
        self.error = error


class EndpointUnreachable(StopWork):
    """Patience with an unreachable endpoint has run out."""

    def __init__(self, lane: Lane, error: ModelError) -> None:
        super().__init__(error.what)
        self.lane = lane
        self.error = error


@dataclass(frozen=True)
class Settling:
    """What all requests of a shard share while they are settled.

    Attributes:
        guard: raises StopWork when no call may go out (drain, pause, lock lost).
        stopped: set at the same moment, to end waits early.
        count: told "called", "throttled", "failed_call" and the like, for status.
    """

    lanes: Sequence[Lane]
    journal: Journal
    in_flight: asyncio.Semaphore
    guard: Callable[[], None]
    stopped: asyncio.Event
    count: Callable[[str], None]


@dataclass
class _Tries:
    attempts: int = 0
    throttles: int = 0
    paid_usd: float = 0.0


async def settle(request: PlannedRequest, work: Settling, *, earlier_attempts: int = 0) -> Answer:
    """The outcome of one request; every failure that is not the run's ends in an Answer with outcome `failed`.

    Raises:
        StopWork: no call may go out any more; what is journalled stays.
    """
    rng = Random(seed_from("retry", request.request_id))  # noqa: S311 - jitter, no secret
    tries = _Tries(attempts=0)
    while True:
        lane = least_busy(list(work.lanes))
        async with work.in_flight:
            outcome = await _one_try(request, lane, work, tries)
        if isinstance(outcome, Reply):
            answer = _answered(request, lane, outcome, tries, earlier_attempts)
            work.journal.answer(call_id(request.request_id), answer.record())
            work.count(answer.outcome)
            return answer
        decision = decide(outcome, attempts=tries.attempts, throttles=tries.throttles, rng=rng)
        if isinstance(decision, Stop):
            raise ServiceRefused(lane, outcome)
        if isinstance(decision, GiveUp):
            answer = _failed(request, lane, outcome, tries, earlier_attempts)
            work.journal.answer(call_id(request.request_id), answer.record())
            work.count("failed")
            return answer
        await _wait(decision.delay_s, work)


async def _one_try(request: PlannedRequest, lane: Lane, work: Settling, tries: _Tries) -> Reply | ModelError:
    tokens = lane.quota_tokens(request.prompt_tokens, request.completion_tokens, request.max_tokens)
    work.guard()
    if not await lane.limiter.acquire(tokens, owner=work.stopped):
        raise StopWork
    if lane.proven:
        return await _call(request, lane, work, tries, tokens)
    async with lane.probe:
        if lane.proven:  # the turn is stale after the wait for the probe: take a new one
            lane.limiter.give_back(tokens)
            return TransientModelError("waited for the first answer of the endpoint", code="probe_wait")
        return await _call(request, lane, work, tries, tokens)


async def _call(request: PlannedRequest, lane: Lane, work: Settling, tries: _Tries, tokens: int) -> Reply | ModelError:
    try:
        work.guard()  # right before the call: the lock may have gone while we waited for the turn
    except StopWork:
        lane.limiter.give_back(tokens)
        raise
    call = call_id(request.request_id)
    body = {"model": lane.wire_name, "messages": request.messages}
    body |= wire_parameters(lane.model.family, request.parameters)
    work.journal.intent(call)
    work.count("called")
    try:
        reply = await lane.client.complete(body, call_id=call, timeout_s=lane.model.timeout_s)
    except ModelError as error:
        work.journal.failure(call, error.code, maybe_paid=getattr(error, "maybe_paid", False))
        await _note_error(error, lane, work, tries)
        return error
    tries.attempts += 1
    lane.responded()
    return reply


async def _note_error(error: ModelError, lane: Lane, work: Settling, tries: _Tries) -> None:
    usage = getattr(error, "usage", None)
    if usage is not None and lane.price is not None:
        tries.paid_usd += cost_usd(usage, lane.price)
    work.count(f"error:{error.code}")
    if isinstance(error, RateLimitedError):
        tries.throttles += 1
        lane.responded()
        if error.retry_after_s is not None:
            await lane.limiter.hold(min(error.retry_after_s, 60.0))
        return
    if is_unreachable(error):
        tries.throttles += 1
        if lane.unreachable(asyncio.get_running_loop().time()):
            raise EndpointUnreachable(lane, error)
        return  # nobody was there to try: no attempt
    tries.throttles = 0
    tries.attempts += 1
    if error.http_status is not None and error.http_status not in (401, 403, 404):
        lane.responded()


def is_unreachable(error: ModelError) -> bool:
    """No connection was made at all."""
    return isinstance(error, TransientModelError) and error.code == "unreachable"


async def _wait(delay_s: float, work: Settling) -> None:
    try:
        await asyncio.wait_for(work.stopped.wait(), timeout=delay_s)
    except TimeoutError:
        return
    raise StopWork


def _answered(request: PlannedRequest, lane: Lane, reply: Reply, tries: _Tries, earlier: int) -> Answer:
    usage = reply.usage
    paid_usd = 0.0 if usage is None or lane.price is None else cost_usd(usage, lane.price)
    text = () if reply.text is None else (reply.text,)
    logprobs = None if reply.logprobs is None else json.dumps(reply.logprobs)
    return Answer(
        outcome=reply.outcome,
        turns=text,
        cost_usd=tries.paid_usd + paid_usd,
        attempts=earlier + tries.attempts,
        created_at=_now(),
        model=lane.model.model,
        logprobs=logprobs,
        prompt_tokens=None if usage is None else usage.prompt_tokens,
        cached_tokens=None if usage is None else usage.cached_tokens,
        completion_tokens=None if usage is None else usage.completion_tokens,
        reasoning_tokens=None if usage is None else usage.reasoning_tokens,
        deployment=lane.deployment.name,
        served_model=reply.served_model,
        system_fingerprint=reply.system_fingerprint,
        latency_s=reply.latency_s,
        finish_reason=reply.finish_reason,
        error_code=reply.error_code,
        error_message=reply.error_message,
    )


def _failed(request: PlannedRequest, lane: Lane, error: ModelError, tries: _Tries, earlier: int) -> Answer:
    return Answer(
        outcome="failed",
        turns=(),
        cost_usd=tries.paid_usd,
        attempts=earlier + tries.attempts,
        created_at=_now(),
        model=lane.model.model,
        deployment=lane.deployment.name,
        error_code=error.code,
        error_message=error.what,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
