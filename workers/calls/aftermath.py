"""What an answer or an error means for the deployment and its quota pool: breaker, gate, holds, estimates, spelling."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from providers.errors_map import DEPLOYMENT_NOT_FOUND
from providers.replies import Reply
from schemas.errors import (
    ModelError,
    OversizedRequestError,
    RateLimitedError,
    RejectedRequestError,
    ServiceRefusedError,
    TransientModelError,
    UnsupportedParameterError,
)
from workers.calls.lanes import Lane
from workers.calls.requests import PlannedRequest
from workers.calls.settling import Settling, Tries
from workers.limits.day_hint import after_day_hint

LONGEST_HOLD_S = 60.0
"""A service's hint holds the pool back this long at most at a time; the next 429 holds it again."""


async def after_reply(request: PlannedRequest, reply: Reply, lane: Lane, work: Settling, tokens: int) -> None:
    """An answer came for a call that booked so many tokens."""
    lane.breaker.served()
    lane.gate.went_well()
    lane.largest_served = max(tokens, lane.largest_served)
    _not_waited_for(lane, work)
    usage = reply.usage
    if usage is not None and not lane.counts_maxima:
        lane.limiter.give_back(tokens - usage.prompt_tokens - usage.completion_tokens)
        lane.usage.learn(request, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
    said = await lane.hints.heard(reply.limits, asyncio.get_running_loop().time())
    if said is not None:
        work.tell(lane.deployment.pool_name, said)


async def after_error(
    error: ModelError, lane: Lane, work: Settling, tries: Tries, *, sent: Mapping[str, Any], tokens: int
) -> ModelError:
    """A call failed; returns what is to be decided on, which is another error where the service can be understood.

    Args:
        error: as translated.
        lane: where it happened.
        work: of the call's shard.
        tries: of the call; changed.
        sent: the parameters on the wire.
        tokens: what the call booked.
    """
    now_s = asyncio.get_running_loop().time()
    work.count(f"error:{error.code}")
    if isinstance(error, UnsupportedParameterError):
        error = lane.spelling.after(error, sent, lane.model)
    if isinstance(error, OversizedRequestError) and error.retry_after_s is not None:
        return await _day_hint(error, lane, work, tries, tokens)
    if error.code == DEPLOYMENT_NOT_FOUND and _is_new(lane):
        return _not_yet(lane, work, tries, now_s)
    if isinstance(error, ServiceRefusedError):
        _not_waited_for(lane, work)
        reason = f"{error.what} {error.hint}" if error.code.startswith("un") and error.hint else error.what
        lane.breaker.refused(now_s, code=error.code, reason=reason)
    elif isinstance(error, RateLimitedError):
        lane.breaker.answered()
        lane.gate.went_badly(now_s)
        tries.throttles += 1
        if error.retry_after_s is not None:
            await lane.limiter.hold(min(error.retry_after_s, LONGEST_HOLD_S))
    elif isinstance(error, RejectedRequestError):
        lane.breaker.answered()
        tries.attempts += 1
    elif error.code == "respelled":
        lane.breaker.answered()
    else:
        _transient(error, lane, tries, now_s)
        if isinstance(error, TransientModelError) and error.retry_after_s is not None:
            await lane.limiter.hold(min(error.retry_after_s, LONGEST_HOLD_S))
    return error


def _not_waited_for(lane: Lane, work: Settling) -> None:
    if lane.is_paused:
        lane.is_paused = False
        work.tell(lane.deployment.pool_name, "")


def _is_new(lane: Lane) -> bool:
    """A deployment that has just been made is not found for minutes, whatever the Resource Manager says."""
    return lane.model.fresh_until is not None and datetime.now(UTC) < lane.model.fresh_until


def _not_yet(lane: Lane, work: Settling, tries: Tries, now_s: float) -> ModelError:
    """Nobody was there to try: a wait, no attempt, and one call at a time until an answer comes."""
    lane.breaker.not_yet(now_s)
    tries.throttles += 1
    if not lane.is_paused:
        lane.is_paused = True
        work.tell(lane.deployment.pool_name, new_sentence(lane))
    return TransientModelError("The service does not find the new deployment yet.", code="not_served_yet")


def new_sentence(lane: Lane) -> str:
    """What status shows of a deployment that is not served yet."""
    until = lane.model.fresh_until
    assert until is not None, "only a new deployment is waited for"
    return (
        f"Deployment {lane.deployment.deployment} is new and the service does not find it yet: it is asked every few "
        f"seconds, and given up at {until.astimezone(UTC):%H:%M} UTC."
    )


def _transient(error: ModelError, lane: Lane, tries: Tries, now_s: float) -> None:
    reached = error.code != "unreachable"
    lane.breaker.failed(now_s, reached=reached, code=error.code, reason=error.what)
    if reached:
        lane.gate.went_badly(now_s, timed_out=error.code == "timeout")
        tries.throttles = 0
        tries.attempts += 1
    else:
        tries.throttles += 1  # nobody was there to try: a wait, no attempt


async def _day_hint(error: OversizedRequestError, lane: Lane, work: Settling, tries: Tries, tokens: int) -> ModelError:
    now_s = asyncio.get_running_loop().time()
    told = await after_day_hint(error, tries.day_hints, lane, tokens=tokens, now_s=now_s)
    if told is error:
        lane.breaker.answered()
        tries.attempts += 1
    elif lane.is_paused:
        work.tell(lane.deployment.pool_name, paused_sentence(lane.deployment.pool_name))
    return told


def paused_sentence(pool: str) -> str:
    """What status shows of a pool that serves nothing."""
    return (
        f"Quota pool {pool} says to come back in a day and serves nothing: it is paused and tried again every minute. "
        "If all requests are larger than its tokens a minute, lower max_completion_tokens or correct tpm."
    )
