"""When a failed call is tried again. Pure: decisions are values. A refusing service is the breaker's business.

Waits are not attempts: a 429 costs the request none of its tries, only time.
"""

from random import Random
from typing import NamedTuple

from schemas.errors import ModelError, RateLimitedError, TransientModelError

MAX_ATTEMPTS = 6
BASE_DELAY_S = 0.5
MAX_DELAY_S = 20.0
MAX_THROTTLE_WAIT_S = 120.0
"""A hint above this is cut to it: the pool is held back again by the next 429 if it still must be."""
MAX_UNREACHABLE_WAIT_S = 5.0
FIXED_DELAYS_S = {"respelled": 0.0, "day_hint": 2.0}
"""Sent again under the other name of a parameter; told to come back in a day: does the pool serve others meanwhile?"""
NO_ATTEMPT_CODES = frozenset({"unreachable", "not_served_yet", "probe_wait", "budget_wait"})
"""Nobody was there to try: the breaker's patience, a new deployment's or the budget bounds these, not the attempts."""


class TryAgain(NamedTuple):
    """Try again after a wait; `counts` says whether the try was an attempt."""

    delay_s: float
    counts: bool


class GiveUp(NamedTuple):
    """The request lands as failed with this code."""

    code: str


Decision = TryAgain | GiveUp


def decide(error: ModelError, *, attempts: int, throttles: int, rng: Random) -> Decision:
    """What to do after an error.

    Args:
        error: as translated by providers.
        attempts: tries that counted so far, this one included.
        throttles: rate limits in a row so far, this one included.
        rng: for full jitter, so that many workers do not come back at once.
    """
    if isinstance(error, RateLimitedError):
        return TryAgain(_throttle_wait_s(error.retry_after_s, throttles, rng), counts=False)
    if error.code in FIXED_DELAYS_S:
        return TryAgain(FIXED_DELAYS_S[error.code] + rng.uniform(0, 0.5), counts=False)
    if isinstance(error, TransientModelError):
        if error.code in NO_ATTEMPT_CODES:
            return TryAgain(
                rng.uniform(0, min(MAX_UNREACHABLE_WAIT_S, BASE_DELAY_S * 2 ** min(throttles, 10))), counts=False
            )
        if attempts >= MAX_ATTEMPTS:
            return GiveUp(error.code)
        hint_s = min(error.retry_after_s, MAX_THROTTLE_WAIT_S) if error.retry_after_s is not None else 0.0
        return TryAgain(hint_s + rng.uniform(0, min(MAX_DELAY_S, BASE_DELAY_S * 2**attempts)), counts=True)
    return GiveUp(error.code)


def _throttle_wait_s(hint_s: float | None, throttles: int, rng: Random) -> float:
    if hint_s is not None:
        return min(hint_s, MAX_THROTTLE_WAIT_S) + rng.uniform(0, 0.2)
    return rng.uniform(0, min(MAX_DELAY_S, BASE_DELAY_S * 2 ** min(throttles, 10)))
