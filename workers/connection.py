"""Connections to Redis from one URL: for Celery, for plain threads, for the event loop."""

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from schemas.errors import BrokerError

CONNECT_S = 3.0


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
