"""Which workers live: each says so every few seconds, with its slots and the store that it sees."""

from collections import Counter

from redis import Redis

from schemas import wire
from schemas.errors import SettingsError

WORKER_ALIVE_S = 15.0


def live_slots(redis: Redis) -> int:
    """Shard slots of all workers that beat lately."""
    return sum(slots_by_store(redis).values())


def slots_by_store(redis: Redis) -> Counter[str]:
    """Identity of a store -> shard slots of the workers that see it and beat lately; "": they did not say."""
    now_s = redis.time()[0]
    found: Counter[str] = Counter()
    for member in redis.zrangebyscore(wire.live_workers(), now_s - WORKER_ALIVE_S, "+inf"):
        text = member.decode() if isinstance(member, bytes) else str(member)
        _, *store, slots = text.split(":")
        found["".join(store)] += int(slots)
    return found


def beat(redis: Redis, worker_id: str, slots: int, store: str) -> None:
    """Say that a worker lives; forget those long gone."""
    now_s = redis.time()[0]
    redis.zadd(wire.live_workers(), {f"{worker_id}:{store}:{slots}": now_s})
    redis.zremrangebyscore(wire.live_workers(), 0, now_s - 86400)


def refuse_another_store(redis: Redis, store: str, uri: str) -> None:
    """Nothing if those who work on this Redis see the same store, or nobody works on it.

    Raises:
        SettingsError: they see another one: queue and keeper of a Redis serve one store.
    """
    if set(slots_by_store(redis)) - {store, ""}:
        raise SettingsError(
            f"the workers of this Redis see another store than {uri}.", where="NIGHTPOLL_STORE",
            hint="Set it to theirs, the same on every host, or take a Redis of its own for this store.",
        )  # fmt: skip
