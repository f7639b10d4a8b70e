"""The global limiter: requests and tokens a minute of a quota pool, over all processes.

A block of waiting calls is booked at the server in one step (a lease of at most LEASE_S); inside the process one
coroutine hands the moments of the block out, one after the other. No burst: a moment missed by more than LATE_S is
given back; the server makes up for it a little at a time. Without Redis calls wait. Measurements: docs/design/queue.md.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from workers.limits.quota_server import BUCKET_S, LEASE_S, Booking, Quota, QuotaServer, Reservation, Unused
from workers.limits.server_clock import ServerClock

log = logging.getLogger(__name__)

LATE_S = 0.02
"""A moment missed by more than this is given back."""
RETRY_REDIS_S = 0.5


def block_offsets(tokens: list[int], booked: Reservation) -> list[float]:
    """Seconds after the block's start at which each of its calls may go: both limits spread evenly."""
    offsets, before = [], 0
    for i, each in enumerate(tokens):
        offsets.append(max(i * booked.per_call_s, before * booked.per_token_s))
        before += each
    return offsets


@dataclass(eq=False)
class _Waiter:
    tokens: int
    owner: object
    at_s: float = 0.0
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
        self._clock = ServerClock()
        self._unused: dict[int, tuple[int, int]] = {}
        self._hand_out: asyncio.Task[None] | None = None
        self.missed = 0

    @property
    def n_waiting(self) -> int:
        """Calls that wait for their turn in this process."""
        return len(self._waiting)

    async def acquire(self, tokens: int, owner: object = None) -> bool:
        """Wait for the moment at which one call with so many tokens may go out; False if dropped meanwhile."""
        while True:
            waiter = _Waiter(tokens, owner)
            self._waiting.append(waiter)
            if self._hand_out is None or self._hand_out.done():
                self._hand_out = asyncio.create_task(self._hand_out_turns())
            try:
                has_turn = await waiter.turn
            except asyncio.CancelledError:
                if waiter.turn.done() and not waiter.turn.cancelled() and waiter.turn.result():
                    self.give_back(tokens, calls=1, at_s=waiter.at_s)
                raise
            if not has_turn or _clock_s() - waiter.at_s <= LATE_S:
                return has_turn
            self._missed(waiter)  # in time when it was given, too late when the loop came round to us

    def drop(self, owner: object) -> None:
        """Send everybody of an owner away without a turn."""
        for waiter in self._waiting:
            if waiter.owner is owner and not waiter.turn.done():
                waiter.turn.set_result(False)

    def close(self) -> None:
        """End the hand-out; waiting calls wait no more."""
        if self._hand_out is not None:
            self._hand_out.cancel()

    def give_back(self, tokens: int, *, calls: int = 0, at_s: float | None = None) -> None:
        """Return what was booked and not used (negative tokens: used beyond the booking); rides on the next one.

        Args:
            tokens: of the booking.
            calls: 1 if no call was made at all.
            at_s: the moment it was booked for, on the loop's clock; None: about now.
        """
        moment_s = (_clock_s() if at_s is None else at_s) + self._clock.ahead_s
        self._add_unused(Unused(int(moment_s / BUCKET_S), calls, tokens))

    def _add_unused(self, unused: Unused) -> None:
        calls, tokens = self._unused.get(unused.bucket, (0, 0))
        self._unused[unused.bucket] = (calls + unused.calls, tokens + unused.tokens)

    async def hold(self, seconds: float) -> None:
        """Hold the whole pool back, in every process."""
        try:
            await self._server.hold(self.quota.pool, seconds)
        except RedisError:
            log.info("pool could not be held back", extra={"event": "hold_failed", "pool": self.quota.pool})

    async def limit(self, *, requests_per_min: int, tokens_per_min: int, seconds: float) -> None:
        """Keep every process of the pool to lower limits for a while; 0: not lower."""
        try:
            await self._server.limit(
                self.quota.pool, requests_per_min=requests_per_min, tokens_per_min=tokens_per_min, seconds=seconds
            )
        except RedisError:
            log.info("pool could not be slowed", extra={"event": "limit_failed", "pool": self.quota.pool})

    async def _hand_out_turns(self) -> None:
        while self._live_waiters():
            block = self._next_block()
            unused = tuple(Unused(bucket, *both) for bucket, both in self._unused.items())
            booking = Booking(len(block), sum(w.tokens for w in block), unused)
            self._unused.clear()
            asked_s = _clock_s()
            try:
                booked = await self._server.reserve(self.quota, booking)
            except (RedisError, OSError):
                for each in unused:
                    self._add_unused(each)
                await self._sleep(RETRY_REDIS_S)
                continue
            ahead_s = self._clock.learn(asked_s=asked_s, answered_s=_clock_s(), server_s=booked.now_s)
            if booked.start_s is None:
                await self._sleep(max(0.0, booked.retry_at_s - ahead_s - _clock_s()))
                continue
            await self._give_turns(block, booked, booked.start_s - ahead_s)

    async def _give_turns(self, block: list[_Waiter], booked: Reservation, start_s: float) -> None:
        for waiter, offset_s in zip(block, block_offsets([w.tokens for w in block], booked), strict=True):
            at_s = start_s + offset_s
            waiter.at_s = at_s
            wait_s = at_s - _clock_s()
            if wait_s > 0:
                await self._sleep(wait_s)
            if _clock_s() - at_s > LATE_S or waiter.turn.done():
                self._missed(waiter)
                continue
            self._waiting.remove(waiter)
            waiter.turn.set_result(True)

    def _missed(self, waiter: _Waiter) -> None:
        self.missed += 1
        self.give_back(waiter.tokens, calls=1, at_s=waiter.at_s)

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
