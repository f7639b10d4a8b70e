"""Connections to Redis from one URL: for Celery, for plain threads, for the event loop."""

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from schemas.errors import BrokerError

CONNECT_S = 3.0
NO_SPACE = "the server of the queue cannot write its file: its disk is full or read-only."
_REFUSALS = {
    "MISCONF": (NO_SPACE, "Free some space, then `nightpoll resume RUN` goes on."),
    "OOM": ("the server of the queue has no memory left.", "Give it more, then `nightpoll resume RUN` goes on."),
    "READONLY": ("the server of the queue is a read-only copy.", "Name the one that is written to."),
}


def broker_url(redis_url: str) -> str:
    """The URL as Celery spells it: sockets are `redis+socket://`."""
    return redis_url.replace("unix://", "redis+socket://", 1) if redis_url.startswith("unix://") else redis_url


def plain(redis_url: str) -> Redis:
    """A client for plain threads."""
    return Redis.from_url(redis_url, socket_connect_timeout=CONNECT_S, socket_timeout=10.0)


def on_loop(redis_url: str) -> AsyncRedis:
    """A client for the running event loop; it fails fast, callers wait and try again themselves."""
    return AsyncRedis.from_url(
        redis_url, socket_connect_timeout=CONNECT_S, socket_timeout=5.0, retry=AsyncRetry(NoBackoff(), 1)
    )


def told(error: RedisError) -> BrokerError:
    """What a server of the queue refused or could not do, for people; never its own words, which hold keys."""
    said = str(error)
    for sign, (what, hint) in _REFUSALS.items():
        if said.startswith(sign):
            return BrokerError(what, hint=hint)
    return BrokerError(f"the server of the queue failed ({type(error).__name__}).", hint="Its log says why.")


def cannot_write(redis: Redis) -> bool:
    """Whether the server cannot write its file, so that it refuses every change; False if it does not say."""
    try:
        return str(redis.info("persistence").get("aof_last_write_status", "ok")) != "ok"
    except (RedisError, OSError):
        return False


def checked(redis_url: str, *, shown_as: str = "NIGHTPOLL_REDIS_URL") -> Redis:
    """A client that has answered once.

    Raises:
        BrokerError: nobody answers; the URL is not shown, it may hold a password.
    """
    try:
        client = plain(redis_url)
        client.ping()
    except (RedisError, OSError, ValueError) as e:
        reason = "the URL cannot be read" if isinstance(e, ValueError) else f"no answer ({type(e).__name__})"
        raise BrokerError(
            f"Redis cannot be reached: {reason}.", where=shown_as,
            hint="Start it or mend the variable; without it nightpoll starts a server for a store on this machine.",
        ) from e  # fmt: skip
    return client
