"""Where the quota of a pool is kept: one atomic reservation in Redis, on the server's clock, for all processes."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from redis.asyncio import Redis as AsyncRedis

from schemas import wire
from workers.limits import quota_script

LEASE_S = 0.25
"""How much of the future one reservation takes: a crashed holder loses no more of the quota than this."""
MAX_AHEAD_S = 2 * LEASE_S
"""Nobody books further ahead, so that a new process gets its turn at once."""
BUCKET_S = 0.1
SPARE = 0.0015
"""Part of a minute's quota that is never booked: calls arrive up to 90 ms earlier or later than their moments."""
FASTEST = 1.02
"""What was lost within the last minute (missed turns, returned tokens) is made up for at this speed at most."""


@dataclass(frozen=True)
class Quota:
    """Limits of a pool. `tokens_per_min` None: not limited."""

    pool: str
    requests_per_min: int
    tokens_per_min: int | None = None


class Unused(NamedTuple):
    """What was booked for a moment and not used (negative tokens: used beyond the booking)."""

    bucket: int
    """The moment on the server's clock, in units of BUCKET_S."""
    calls: int
    tokens: int


class Booking(NamedTuple):
    """A block of calls to be booked, and what of earlier blocks comes back."""

    calls: int
    tokens: int
    unused: tuple[Unused, ...] = ()


class Reservation(NamedTuple):
    """Answer of the server, in seconds on its clock.

    Attributes:
        now_s: when it was given.
        start_s: first moment of the block; None: the pool is booked out, ask again at `retry_at_s`.
        per_call_s, per_token_s: how far apart the moments are.
    """

    now_s: float
    start_s: float | None
    retry_at_s: float = 0.0
    per_call_s: float = 0.0
    per_token_s: float = 0.0


class QuotaServer(Protocol):
    """Where reservations are made."""

    async def reserve(self, quota: Quota, booking: Booking) -> Reservation:
        """Book a block of calls together."""

    async def hold(self, pool: str, seconds: float) -> None:
        """Nobody calls for so long."""

    async def limit(self, pool: str, *, requests_per_min: int, tokens_per_min: int, seconds: float) -> None:
        """For so long the pool keeps to these limits where they are lower than its own; 0: not lower."""


class RedisQuotaServer:
    """Reservations in Redis."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._reserve = redis.register_script(quota_script.RESERVE)
        self._hold = redis.register_script(quota_script.HOLD)
        self._limit = redis.register_script(quota_script.LIMIT)

    async def reserve(self, quota: Quota, booking: Booking) -> Reservation:
        """Book a block of calls together."""
        tpm = 0 if quota.tokens_per_min is None else quota.tokens_per_min
        args = [quota.requests_per_min, tpm, booking.calls, booking.tokens, int(MAX_AHEAD_S * 1e6), SPARE, FASTEST]
        args += [len(booking.unused), *(value for each in booking.unused for value in each)]
        keys = [wire.limiter(quota.pool), wire.limiter_minute(quota.pool)]
        now, start, retry_at, per_call, per_token = await self._reserve(keys=keys, args=args)
        if start < 0:
            return Reservation(now / 1e6, None, retry_at / 1e6)
        return Reservation(now / 1e6, start / 1e6, 0.0, float(per_call) / 1e6, float(per_token) / 1e6)

    async def hold(self, pool: str, seconds: float) -> None:
        """Nobody calls for so long."""
        await self._hold(keys=[wire.limiter(pool)], args=[int(seconds * 1e6)])

    async def limit(self, pool: str, *, requests_per_min: int, tokens_per_min: int, seconds: float) -> None:
        """For so long the pool keeps to these limits where they are lower than its own; 0: not lower."""
        args = [requests_per_min, tokens_per_min, int(seconds * 1e6)]
        await self._limit(keys=[wire.limiter(pool)], args=args)
