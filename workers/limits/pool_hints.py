"""What a service says about its quota with every answer, passed on to all processes of the pool."""

from providers.rate_hints import NO_HINTS, RateHints, exhausted_s
from workers.limits.limiter import PoolLimiter

LOWER_FOR_S = 60.0
"""A limit below ours is kept to for so long; while the service goes on saying it, it is said again."""
SAY_AGAIN_S = 20.0
WHOLE_AGAIN_S = 50.0
"""A reset beyond this tells when a quota is whole again, which at full use is always a minute away: no reason to
stop. Below it is the end of a window in which nothing is left."""


class PoolHints:
    """Hears what answers say about one pool, in one process. `loop` clock in seconds."""

    def __init__(self, limiter: PoolLimiter) -> None:
        self._limiter = limiter
        self._said: tuple[int, int] = (0, 0)
        self._said_at_s = 0.0
        self._told: set[tuple[int, int]] = set()

    async def heard(self, hints: RateHints, now_s: float) -> str | None:
        """Slow down to a lower limit, stop until an exhausted window ends; a sentence when a limit is told first."""
        if hints is NO_HINTS:
            return None
        wait_s = exhausted_s(hints)
        if wait_s is not None and wait_s <= WHOLE_AGAIN_S:
            await self._limiter.hold(wait_s)
        lower = self._lower(hints)
        if lower == (0, 0) or (lower == self._said and now_s - self._said_at_s < SAY_AGAIN_S):
            return None
        self._said, self._said_at_s = lower, now_s
        await self._limiter.limit(requests_per_min=lower[0], tokens_per_min=lower[1], seconds=LOWER_FOR_S)
        if lower in self._told:
            return None
        self._told.add(lower)
        return self._sentence(lower)

    def _lower(self, hints: RateHints) -> tuple[int, int]:
        """Requests and tokens a minute where the service allows less than the models file says; 0 elsewhere."""
        quota = self._limiter.quota
        requests, tokens = hints.limit_requests, hints.limit_tokens
        own_tokens = float("inf") if quota.tokens_per_min is None else quota.tokens_per_min
        return (
            requests if requests is not None and requests < quota.requests_per_min else 0,
            tokens if tokens is not None and tokens < own_tokens else 0,
        )

    def _sentence(self, lower: tuple[int, int]) -> str:
        parts = [f"{n:,} {unit} a minute" for n, unit in zip(lower, ("requests", "tokens"), strict=True) if n]
        pool = self._limiter.quota.pool
        return f"Quota pool {pool}: the service allows {' and '.join(parts)}, less than the models file says."
