"""The clock of the Redis server or of a worker is set by an hour in mid-run: the rate must not notice."""

import asyncio
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.support.fleet import running_fleet, study_of
from tests.support.stepped_clock import SteppedClock
from tests.support.valkey import PrivateServer
from workers.limits.limiter import PoolLimiter
from workers.limits.quota_server import LEASE_S, Quota, RedisQuotaServer

PER_S = 50
SPAN_S = 2.5
MISSED = 0.1
"""A busy machine misses some turns, whatever the clocks do."""


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """For sockets, whose paths are short."""
    with tempfile.TemporaryDirectory(prefix="np-", dir="/tmp") as name:
        yield Path(name)


async def turns(limiter: PoolLimiter, at_s: list[float], until_s: float) -> None:
    """Take turns one after the other."""
    while time.monotonic() < until_s:
        if await limiter.acquire(1):
            at_s.append(time.monotonic())


@pytest.mark.parametrize("steps_h", [(1, 0), (-1, 1)], ids=["forward and back", "back and forward"])
async def test_rate_of_two_processes_goes_on_when_the_servers_clock_is_set_by_an_hour(short_folder: Path, steps_h):
    clock = SteppedClock(short_folder)
    server = PrivateServer(short_folder, environ=clock.environ)
    server.start()
    clients = [Redis.from_url(server.url) for _ in range(2)]
    limiters = [PoolLimiter(Quota("p", 60 * PER_S), RedisQuotaServer(client)) for client in clients]
    at_s: list[float] = []
    begun_s = time.monotonic()
    ends_s = begun_s + 3 * SPAN_S

    async def step() -> None:
        for i, hours in enumerate(steps_h, start=1):
            await asyncio.sleep(begun_s + i * SPAN_S - time.monotonic())
            clock.set(hours * 3600)

    async with asyncio.timeout(4 * 3 * SPAN_S):  # without the pool's own clock turns wait for an hour
        await asyncio.gather(step(), *(turns(limiters[i % 2], at_s, ends_s) for i in range(60)))
    for client in clients:
        await client.aclose()
    server.stop()

    for i in range(3):
        from_s = begun_s + i * SPAN_S
        n = bisect_left(at_s, from_s + SPAN_S) - bisect_left(at_s, from_s)
        assert n >= (1 - MISSED) * PER_S * (SPAN_S - 2 * LEASE_S), f"span {i}"
    worst = max(bisect_left(at_s, s + 1.0) - i for i, s in enumerate(at_s))
    assert worst <= 1.1 * PER_S


@pytest.mark.accept
@pytest.mark.parametrize("whose", ["server", "worker"])
def test_run_keeps_its_rate_and_its_rows_when_a_clock_is_set_by_an_hour(short_folder: Path, whose):
    rpm = 600
    with running_fleet(n_workers=1, emulator={"latency": {"median_s": 0.2}}, stepped=True) as fleet:
        clock = SteppedClock(short_folder)
        fleet.start_stepped_worker(clock)
        stepped = clock if whose == "worker" else fleet.server_clock
        fleet.open(study_of(fleet, n_respondents=200, rpm=rpm))
        for hours, bought in ((1, 100), (-1, 200), (0, 250)):
            fleet.until_bought(bought)
            stepped.set(hours * 3600)
        fleet.until_finished()

        rows = fleet.rows()
        per_s = [second["arrived"] for second in fleet.emulator.stats()["per_second"].values()]
        twice = fleet.bought_twice()

    assert {row["status"] for row in rows} == {"answered"}
    assert twice == 0
    assert max(per_s) <= 1.1 * rpm / 60 + 1
    # a busy machine misses turns; a clock that mattered would stop the pool for an hour
    assert sum(per_s[2:22]) >= 0.7 * 20 * rpm / 60, per_s
