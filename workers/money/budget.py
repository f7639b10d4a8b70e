"""The budget of a run: full price reserved before each call over all workers, settled after.

One number in Redis, in billionths of a dollar: what is spent plus what open calls may cost at most. A call that died
with its process keeps its reservation: it may have been paid. If Redis lost the number it is folded again from the
store (parts, journals, open intents at their reservation) before the next call goes out.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from schemas import wire

log = logging.getLogger(__name__)

NANO = 1_000_000_000
_UNKNOWN = -2

# KEYS budget | ARGV amount, limit, calls (0 for a batch: nobody waits for it)
# Returns 1 reserved, 0 no room while calls are open, -1 no room at all, -2 unknown
_RESERVE = """
local spent = redis.call('HGET', KEYS[1], 'committed')
if not spent then return -2 end
if tonumber(spent) + tonumber(ARGV[1]) > tonumber(ARGV[2]) then
  if tonumber(redis.call('HGET', KEYS[1], 'open') or 0) > 0 then return 0 end
  return -1
end
redis.call('HINCRBY', KEYS[1], 'committed', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'open', ARGV[3])
return 1
"""

_SETTLE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'committed', ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'open') or 0) > 0 then redis.call('HINCRBY', KEYS[1], 'open', -ARGV[2]) end
return 1
"""

_START = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'committed', ARGV[1], 'open', 0)
return 1
"""


class Ask(Enum):
    """Result of asking for money."""

    GRANTED = 1
    LATER = 0  # open calls may still give something back, or Redis is away
    NO = -1


class RunBudget:
    """The budget of one run in this process."""

    refusal = "The next call would not fit into the budget."

    def __init__(self, redis: AsyncRedis, run_id: str, limit_usd: float, spent_usd: Callable[[], float]) -> None:
        self._redis = redis
        self._key = wire.run_budget(run_id)
        self._limit = _nano(limit_usd)
        self._spent_usd = spent_usd

    async def reserve(self, amount_usd: float, *, calls: int = 1) -> Ask:
        """Reserve the full price of a call that goes out at once.

        The intent must be journalled before anything else is awaited: a budget that Redis forgot is folded from the
        intents, and a reservation without one would be missed.

        Args:
            amount_usd: full price.
            calls: 1, or 0 for a batch: its end is too far off for others to wait for what it gives back.
        """
        try:
            said = int(await self._redis.eval(_RESERVE, 1, self._key, _nano(amount_usd), self._limit, calls))
            if said == _UNKNOWN:
                await self._start()
                return Ask.LATER
        except (RedisError, OSError):
            return Ask.LATER  # nobody knows what others spend
        return Ask(said)

    async def settle(self, reserved_usd: float, paid_usd: float, *, calls: int = 1) -> None:
        """Replace a reservation by what the call or batch cost; `calls` as it was reserved."""
        try:
            await self._redis.eval(_SETTLE, 1, self._key, _nano(paid_usd) - _nano(reserved_usd), calls)
        except (RedisError, OSError):
            log.info("budget not settled: the reservation stays", extra={"event": "settle_lost"})

    async def _start(self) -> None:
        spent = await asyncio.to_thread(self._spent_usd)
        await self._redis.eval(_START, 1, self._key, _nano(spent))


def _nano(usd: float) -> int:
    return round(usd * NANO)
