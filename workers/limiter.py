"""The global limiter: requests and tokens a minute of a quota pool, over all processes.

One atomic reservation in Redis, on the server's clock, for a block of waiting calls (a lease of at most LEASE_S);
inside the process one coroutine hands the moments of the block out, one after the other. No burst: a moment missed
by more than LATE_S is given back, never caught up. Without Redis calls wait. Measurements: docs/design/queue.md.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from schemas import wire

log = logging.getLogger(__name__)

LEASE_S = 0.25
"""How much of the future one reservation takes: a crashed holder loses no more of the quota than this."""
LATE_S = 0.02
"""A moment missed by more than this is given back."""
MAX_AHEAD_S = 2 * LEASE_S
"""Nobody books further ahead, so that a new process gets its turn at once."""
RETRY_REDIS_S = 0.5

# KEYS pool | ARGV requests/s, tokens/s (0: no limit), n, tokens of the n, tokens given back, max ahead in us
# Returns {server now, start} in us; start is -1 when the pool is booked out, then now + wait stands in the third.
_RESERVE = """
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local rps, tps = tonumber(ARGV[1]), tonumber(ARGV[2])
local n, tokens, back, ahead = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local state = redis.call('HMGET', KEYS[1], 'r', 't', 'h')
local hold = tonumber(state[3] or 0)
local far = now + 600000000
local r = tonumber(state[1] or 0)
local tk = tonumber(state[2] or 0)
if hold > far then hold = 0 end
if r > far then r = now end
if tk > far then tk = now end
if tps > 0 and back ~= 0 then tk = tk - back / tps * 1000000 end
local start = math.max(now, r, hold)
if tps > 0 then start = math.max(start, tk) end
if start - now > ahead then
  if back ~= 0 then redis.call('HSET', KEYS[1], 't', string.format('%.0f', tk)) end
  return {now, -1, start - ahead}
end
r = math.max(start, r) + n / rps * 1000000
if tps > 0 then tk = math.max(start, tk) + tokens / tps * 1000000 end
redis.call('HSET', KEYS[1], 'r', string.format('%.0f', r), 't', string.format('%.0f', tk))
redis.call('PEXPIRE', KEYS[1], 900000)
return {now, start, 0}
"""

_HOLD = """
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local until_us = now + tonumber(ARGV[1])
local held = tonumber(redis.call('HGET', KEYS[1], 'h') or 0)
if until_us > held then redis.call('HSET', KEYS[1], 'h', string.format('%.0f', until_us)) end
redis.call('PEXPIRE', KEYS[1], 900000)
"""


@dataclass(frozen=True)
class Quota:
    """Limits of a pool. `tokens_per_min` None: not limited."""

    pool: str
    requests_per_min: int
    tokens_per_min: int | None = None


class Reservation(NamedTuple):
    """Answer of the server, in seconds on its clock: `start_s` of the block, or None and `retry_at_s`."""

    now_s: float
    start_s: float | None
    retry_at_s: float


class QuotaServer(Protocol):
    """Where reservations are made."""

    async def reserve(self, quota: Quota, n: int, tokens: int, given_back: int) -> Reservation:
        """Book n calls with so many tokens together."""

    async def hold(self, pool: str, seconds: float) -> None:
        """Nobody calls for so long."""


class RedisQuotaServer:
    """Reservations in Redis."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._reserve = redis.register_script(_RESERVE)
        self._hold = redis.register_script(_HOLD)

    async def reserve(self, quota: Quota, n: int, tokens: int, given_back: int) -> Reservation:
        """Book n calls with so many tokens together."""
        per_s = 0.0 if quota.tokens_per_min is None else quota.tokens_per_min / 60
        args = [quota.requests_per_min / 60, per_s, n, tokens, given_back, int(MAX_AHEAD_S * 1e6)]
        now, start, retry_at = await self._reserve(keys=[wire.limiter(quota.pool)], args=args)
        return Reservation(now / 1e6, None if start < 0 else start / 1e6, retry_at / 1e6)

    async def hold(self, pool: str, seconds: float) -> None:
        """Nobody calls for so long."""
        await self._hold(keys=[wire.limiter(pool)], args=[int(seconds * 1e6)])


def block_offsets(tokens: list[int], quota: Quota) -> list[float]:
    """Seconds after the block's start at which each of its calls may go: both limits spread evenly."""
    per_request_s = 60 / quota.requests_per_min
    per_token_s = 0.0 if quota.tokens_per_min is None else 60 / quota.tokens_per_min
    offsets, before = [], 0
    for i, each in enumerate(tokens):
        offsets.append(max(i * per_request_s, before * per_token_s))
        before += each
    return offsets


@dataclass(eq=False)
class _Waiter:
    tokens: int
    owner: object
    turn: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class PoolLimiter:
    """One pool's limiter inside one process. `acquire` returns when the call may go out, and not earlier."""

    def __init__(
        self,
        quota: Quota,
        server: QuotaServer,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.quota = quota
        self._server = server
        self._sleep = sleep
        self._waiting: deque[_Waiter] = deque()
        self._given_back_tokens = 0
        self._hand_out: asyncio.Task[None] | None = None
        self.missed = 0

    @property
    def n_waiting(self) -> int:
        """Calls that wait for their turn in this process."""
        return len(self._waiting)

    async def acquire(self, tokens: int, owner: object = None) -> bool:
        """Wait for the moment at which one call with so many tokens may go out; False if dropped meanwhile."""
        waiter = _Waiter(tokens, owner)
        self._waiting.append(waiter)
        if self._hand_out is None or self._hand_out.done():
            self._hand_out = asyncio.create_task(self._hand_out_turns())
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled() and waiter.turn.result():
                self._given_back_tokens += tokens
            raise

    def drop(self, owner: object) -> None:
        """Send everybody of an owner away without a turn."""
        for waiter in self._waiting:
            if waiter.owner is owner and not waiter.turn.done():
                waiter.turn.set_result(False)

    def close(self) -> None:
        """End the hand-out; waiting calls wait no more."""
        if self._hand_out is not None:
            self._hand_out.cancel()

    def give_back(self, tokens: int) -> None:
        """Return tokens that were booked and not used (negative: used beyond the booking); rides on the next one."""
        self._given_back_tokens += tokens

    async def hold(self, seconds: float) -> None:
        """Hold the whole pool back, in every process."""
        try:
            await self._server.hold(self.quota.pool, seconds)
        except RedisError:
            log.info("pool could not be held back", extra={"event": "hold_failed", "pool": self.quota.pool})

    async def _hand_out_turns(self) -> None:
        while self._live_waiters():
            block = self._next_block()
            total, back = sum(w.tokens for w in block), self._given_back_tokens
            self._given_back_tokens = 0
            try:
                asked_s = _clock_s()
                booked = await self._server.reserve(self.quota, len(block), total, back)
            except (RedisError, OSError):
                self._given_back_tokens += back
                await self._sleep(RETRY_REDIS_S)
                continue
            server_ahead_s = booked.now_s - (asked_s + _clock_s()) / 2
            if booked.start_s is None:
                await self._sleep(max(0.0, booked.retry_at_s - server_ahead_s - _clock_s()))
                continue
            await self._give_turns(block, booked.start_s - server_ahead_s)

    async def _give_turns(self, block: list[_Waiter], start_s: float) -> None:
        for waiter, offset_s in zip(block, block_offsets([w.tokens for w in block], self.quota), strict=True):
            at_s = start_s + offset_s
            wait_s = at_s - _clock_s()
            if wait_s > 0:
                await self._sleep(wait_s)
            if _clock_s() - at_s > LATE_S or waiter.turn.done():
                self.missed += 1
                self._given_back_tokens += waiter.tokens
                continue
            self._waiting.remove(waiter)
            waiter.turn.set_result(True)

    def _live_waiters(self) -> bool:
        while self._waiting and self._waiting[0].turn.done():
            self._waiting.popleft()
        return bool(self._waiting)

    def _next_block(self) -> list[_Waiter]:
        most_requests = max(1, int(self.quota.requests_per_min / 60 * LEASE_S))
        limit = self.quota.tokens_per_min
        most_tokens = float("inf") if limit is None else limit / 60 * LEASE_S
        block: list[_Waiter] = []
        tokens = 0
        for waiter in self._waiting:
            if block and (len(block) >= most_requests or tokens + waiter.tokens > most_tokens):
                break
            if not waiter.turn.done():
                block.append(waiter)
                tokens += waiter.tokens
        return block


def _clock_s() -> float:
    return asyncio.get_running_loop().time()
