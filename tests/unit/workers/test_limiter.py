import asyncio
import time

import pytest
from redis.asyncio import Redis

from workers.limits.limiter import PoolLimiter, block_offsets
from workers.limits.quota_server import Booking, Quota, RedisQuotaServer, Reservation


def test_block_offsets_follow_the_tighter_limit():
    requests_bound = Reservation(0.0, 0.0, per_call_s=0.1)
    assert block_offsets([5, 5, 5], requests_bound) == pytest.approx([0, 0.1, 0.2])
    tokens_bound = Reservation(0.0, 0.0, per_call_s=0.01, per_token_s=0.01)
    assert block_offsets([50, 10, 10], tokens_bound) == pytest.approx([0, 0.5, 0.6])


async def test_two_processes_share_one_quota(redis_url):
    quota = Quota("shared", 3000)
    clients = [Redis.from_url(redis_url) for _ in range(2)]
    limiters = [PoolLimiter(quota, RedisQuotaServer(c)) for c in clients]
    at_s: list[float] = []

    async def call(limiter: PoolLimiter) -> None:
        assert await limiter.acquire(1)
        at_s.append(time.monotonic())

    await asyncio.gather(*(call(limiters[i % 2]) for i in range(100)))
    for client in clients:
        await client.aclose()

    assert max(at_s) - min(at_s) >= 99 / 50 * 0.98  # 100 calls at 50 a second, none of them in a burst


async def test_pool_is_held_back_for_everybody(redis_url):
    client = Redis.from_url(redis_url)
    server, quota = RedisQuotaServer(client), Quota("held", 60_000)
    await PoolLimiter(quota, server).hold(0.5)
    before_s = time.monotonic()

    await PoolLimiter(quota, server).acquire(1)
    await client.aclose()

    assert time.monotonic() - before_s >= 0.45


async def test_dropped_waiters_get_no_turn(redis_url):
    client = Redis.from_url(redis_url)
    limiter = PoolLimiter(Quota("slow", 1), RedisQuotaServer(client))
    await limiter.acquire(1)
    owner = object()
    waiting = asyncio.create_task(limiter.acquire(1, owner))
    await asyncio.sleep(0)

    limiter.drop(owner)

    assert await waiting is False
    limiter.close()
    await client.aclose()


class LateServer:
    """Grants moments of which the first has passed already; keeps what was given back."""

    def __init__(self) -> None:
        self.booked: list[Booking] = []

    async def reserve(self, quota: Quota, booking: Booking) -> Reservation:
        self.booked.append(booking)
        now_s = asyncio.get_running_loop().time()
        return Reservation(now_s, now_s - 0.1 if len(self.booked) == 1 else now_s)

    async def hold(self, pool: str, seconds: float) -> None:
        raise AssertionError(pool, seconds)

    async def limit(self, pool: str, **limits: float) -> None:
        raise AssertionError(pool, limits)


async def test_missed_moment_is_given_back_not_caught_up():
    server = LateServer()
    limiter = PoolLimiter(Quota("p", 600, 6000), server)

    await limiter.acquire(10)

    assert limiter.missed == 1
    first, second = server.booked
    assert first == Booking(1, 10)
    assert second[:2] == (1, 10)
    assert [(u.calls, u.tokens) for u in second.unused] == [(1, 10)]
