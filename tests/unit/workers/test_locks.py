import asyncio
from types import SimpleNamespace

import pytest
from redis.asyncio import Redis

from schemas import wire
from tests.support.valkey import PrivateServer
from workers.connection import plain
from workers.shards import locks
from workers.shards.held_lock import HeldLock


@pytest.fixture
async def redis(redis_url):
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def test_server_without_memory_grants_nothing_until_a_lease_has_passed(redis):
    assert await locks.acquire(redis, "k", "me") == locks.NOT_YET


async def test_vouched_server_grants_at_once_and_only_once(redis, redis_url):
    locks.vouch(plain(redis_url))
    assert await locks.acquire(redis, "k", "me") == locks.GRANTED
    assert await locks.acquire(redis, "k", "you") == locks.TAKEN


async def test_holder_takes_a_forgotten_lock_back(redis, redis_url):
    locks.vouch(plain(redis_url))
    await locks.acquire(redis, "k", "me")
    await redis.delete("k")

    assert await locks.renew(redis, "k", "me")
    assert not await locks.renew(redis, "k", "you")


async def test_only_the_holder_releases(redis, redis_url):
    locks.vouch(plain(redis_url))
    await locks.acquire(redis, "k", "me")
    await locks.release(redis, "k", "you")
    assert await locks.acquire(redis, "k", "you") == locks.TAKEN
    await locks.release(redis, "k", "me")
    assert await locks.acquire(redis, "k", "you") == locks.GRANTED


async def test_restarted_server_is_on_probation_again(tmp_path_factory):
    folder = tmp_path_factory.mktemp("v")
    server = PrivateServer(folder)
    server.start()
    locks.vouch(plain(server.url))
    server.stop()
    server.start()
    client = Redis.from_url(server.url)
    try:
        assert await locks.acquire(client, "k", "me") == locks.NOT_YET
    finally:
        await client.aclose()
        server.stop()


async def test_holder_whose_lease_ran_out_does_not_take_its_lock_back_after_another_had_it(
    redis, redis_url, monkeypatch
):
    """Stopped for longer than its lease: what it knows of the unit is out of date, whoever has the lock by now."""
    monkeypatch.setattr(wire, "LOCK_RENEW_S", 0.02)
    now_s = [0.0]
    node = SimpleNamespace(redis=redis, clock_s=lambda: now_s[0])
    locks.vouch(plain(redis_url))
    lock = HeldLock(node, "unit")
    assert await lock.acquire() == locks.GRANTED

    now_s[0] = wire.LOCK_LEASE_S + 5
    await redis.delete("unit")  # ran out; another one took it, and gave it back
    for _ in range(200):
        if lock.lost:
            break
        await asyncio.sleep(0.01)

    assert lock.lost
    assert not lock.is_valid()
    assert await redis.get("unit") is None
    await lock.release()
