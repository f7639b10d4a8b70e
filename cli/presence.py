"""Whether somebody works on the Redis that machines share; where none is named nightpoll starts workers itself."""

from redis.exceptions import RedisError

from cli.views.console import err
from schemas.settings import Settings
from workers import connection
from workers.beats import live_slots

NO_WORKER = "No worker listens on this Redis. Start one with `nightpoll worker`."


def slots_at_work(settings: Settings) -> int | None:
    """Shards that workers of the named Redis take at a time; None where none is named, or it does not answer."""
    if settings.redis_url is None:
        return None
    try:
        with connection.plain(settings.redis_url.get_secret_value()) as client:
            return live_slots(client)
    except (RedisError, OSError, ValueError):
        return None


def tell_if_nobody_works(settings: Settings) -> None:
    """One line for a person whose run would wait without a word."""
    if slots_at_work(settings) == 0:
        err.print(NO_WORKER, style="yellow", markup=False)
