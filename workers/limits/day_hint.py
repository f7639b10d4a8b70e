"""A 429 that says "come back in a day": one request larger than the quota, or a quota that is used up?

If the pool served another call after the request was told so, the request is too large and fails. If nothing is
served any more the pool pauses, which is said, and is tried again with one call a minute. A request larger than any
that was ever served here fails after a few such tries: at the end of a run nobody else may be left to serve.
"""

from dataclasses import dataclass

from schemas.errors import ModelError, OversizedRequestError, TransientModelError
from workers.calls.lanes import Lane
from workers.limits.breaker import REFUSED_PAUSE_S

MAX_PAUSES = 3


@dataclass
class DayHints:
    """What one request was told so far."""

    served_before: int | None = None
    n_pauses: int = 0


async def after_day_hint(
    error: OversizedRequestError, hints: DayHints, lane: Lane, *, tokens: int, now_s: float
) -> ModelError:
    """The error itself if the request is too large; else a transient one: it is tried again, perhaps after a pause.

    Args:
        error: with `retry_after_s`.
        hints: of the request; changed.
        lane: where it was tried.
        tokens: what the request books of a quota.
        now_s: the loop's clock.
    """
    before, served = hints.served_before, lane.breaker.n_served
    if before is not None and served > before:
        return error
    if tokens > lane.largest_served and hints.n_pauses >= MAX_PAUSES:
        return error
    hints.served_before = served
    again = TransientModelError(error.what, code="day_hint", http_status=429)
    if lane.breaker.told_tomorrow() or before is not None:
        hints.n_pauses += 1
        lane.breaker.pause(now_s)
        await lane.limiter.hold(REFUSED_PAUSE_S)
        lane.is_paused = True
    return again
