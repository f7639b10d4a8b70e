"""Whether somebody works on the Redis that machines share; where none is named nightpoll starts workers itself."""

from collections.abc import Callable
from functools import partial

from redis import Redis
from redis.exceptions import RedisError

from cli.views.console import err
from schemas.settings import Settings
from storage.identity import known_identity
from storage.store import Store
from workers import connection
from workers.beats import slots_by_store

NO_WORKER = "No worker listens on this Redis. Start one with `nightpoll worker`."
WRONG_STORE = (
    "Workers listen on this Redis, but they see another store: set NIGHTPOLL_STORE to the same here and on every host."
)


def nobody_note(redis: Redis, store: Callable[[], str | None]) -> str | None:
    """What to tell a person whose run waits, None where a worker sees the store.

    Args:
        redis: that the workers share.
        store: gives the identity of the store, None if it has none yet.

    Raises:
        RedisError, OSError: the server does not answer.
    """
    found = slots_by_store(redis)
    if not found:
        return NO_WORKER
    return None if {store(), ""} & set(found) else WRONG_STORE


def slots_at_work(settings: Settings, store: Store) -> tuple[int, str | None] | None:
    """Shards that workers of the named Redis take at a time, and what is wrong with that.

    None where no Redis is named, or it does not answer.
    """
    if settings.redis_url is None:
        return None
    try:
        with connection.plain(settings.redis_url.get_secret_value()) as client:
            return sum(slots_by_store(client).values()), nobody_note(client, partial(known_identity, store))
    except (RedisError, OSError, ValueError):
        return None


def tell_if_nobody_works(settings: Settings, store: Store) -> None:
    """One line for a person whose run would wait without a word."""
    found = slots_at_work(settings, store)
    if found is not None and found[1] is not None:
        err.print(found[1], style="yellow", markup=False)
