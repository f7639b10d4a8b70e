"""Which workers live: each says so every few seconds, with its slots."""

from redis import Redis

from schemas import wire

WORKER_ALIVE_S = 15.0


def live_slots(redis: Redis) -> int:
    """Shard slots of all workers that beat lately."""
    now_s = redis.time()[0]
    members = redis.zrangebyscore(wire.live_workers(), now_s - WORKER_ALIVE_S, "+inf")
    return sum(_slots_of(member) for member in members)


def _slots_of(member: object) -> int:
    text = member.decode() if isinstance(member, bytes) else str(member)
    return int(text.rsplit(":", 1)[1])


def beat(redis: Redis, worker_id: str, slots: int) -> None:
    """Say that a worker lives; forget those long gone."""
    now_s = redis.time()[0]
    redis.zadd(wire.live_workers(), {f"{worker_id}:{slots}": now_s})
    redis.zremrangebyscore(wire.live_workers(), 0, now_s - 86400)
