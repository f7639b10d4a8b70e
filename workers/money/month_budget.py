"""The budget of a calendar month (UTC) over a store: reserved before each call like a run's, settled after.

Redis holds what runs with a month budget have spent and reserved, to the call, and what the other runs of the store
have spent, folded again from their files every OTHERS_KNOWN_S. If Redis lost it, all of it is folded again. A wait for
open calls ends by itself: the count of open calls is forgotten once none was made for OPEN_KNOWN_S.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from schemas import wire
from workers.money.budget import NANO, Ask, RunBudget
from workers.money.month_spend import MonthSpend

log = logging.getLogger(__name__)

OTHERS_KNOWN_S = 30
OPEN_KNOWN_S = 180
FOLDS_WITHIN_S = 20
KEPT_S = 40 * 86400
_UNKNOWN = -2

# KEYS month, open, folding | ARGV amount, limit, calls
# Returns as in workers/money/budget.py; -2 to one asker at a time, who folds; the others use the last sum meanwhile
_RESERVE = f"""
local now = tonumber(redis.call('TIME')[1])
local at = redis.call('HGET', KEYS[1], 'at')
if not at or now - tonumber(at) > {OTHERS_KNOWN_S} then
  if redis.call('SET', KEYS[3], 1, 'NX', 'EX', {FOLDS_WITHIN_S}) then return -2 end
  if not at then return 0 end
end
local spent = tonumber(redis.call('HGET', KEYS[1], 'committed')) + tonumber(redis.call('HGET', KEYS[1], 'others'))
if spent + tonumber(ARGV[1]) > tonumber(ARGV[2]) then
  if tonumber(redis.call('GET', KEYS[2]) or 0) > 0 then return 0 end
  return -1
end
redis.call('HINCRBY', KEYS[1], 'committed', ARGV[1])
if tonumber(ARGV[3]) > 0 then
  redis.call('INCRBY', KEYS[2], ARGV[3])
  redis.call('EXPIRE', KEYS[2], {OPEN_KNOWN_S})
end
return 1
"""

_SETTLE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'committed', ARGV[1])
if tonumber(redis.call('GET', KEYS[2]) or 0) > 0 then redis.call('DECRBY', KEYS[2], ARGV[2]) end
return 1
"""

# ARGV committed, others
_TELL = f"""
redis.call('HSETNX', KEYS[1], 'committed', ARGV[1])
redis.call('HSET', KEYS[1], 'others', ARGV[2], 'at', redis.call('TIME')[1])
redis.call('EXPIRE', KEYS[1], {KEPT_S})
redis.call('DEL', KEYS[2])
return 1
"""


class Budget(Protocol):
    """What a call asks before it goes out."""

    refusal: str

    async def reserve(self, amount_usd: float, *, calls: int = 1) -> Ask:
        """Reserve the full price of a call."""

    async def settle(self, reserved_usd: float, paid_usd: float, *, calls: int = 1) -> None:
        """Replace a reservation by what was paid."""


class MonthBudget:
    """The month's budget in this process."""

    refusal = "The next call would not fit into the budget of the month."

    def __init__(
        self, redis: AsyncRedis, limit_usd: float, spend: MonthSpend, now: Callable[[], datetime] | None = None
    ) -> None:
        self._redis = redis
        self._limit = round(limit_usd * NANO)
        self._spend = spend
        self._now = _utc if now is None else now

    async def reserve(self, amount_usd: float, *, calls: int = 1) -> Ask:
        """As `RunBudget.reserve`."""
        month = f"{self._now():%Y-%m}"
        try:
            amount = round(amount_usd * NANO)
            keys = wire.month_budget(month), wire.month_open(month), wire.month_folding(month)
            said = int(await self._redis.eval(_RESERVE, 3, *keys, amount, self._limit, calls))
            if said == _UNKNOWN:
                bounded, others = await asyncio.to_thread(self._spend.of, month)
                told = round(bounded * NANO), round(others * NANO)
                await self._redis.eval(_TELL, 2, keys[0], keys[2], *told)
                return Ask.LATER
        except (RedisError, OSError):
            return Ask.LATER
        return Ask(said)

    async def settle(self, reserved_usd: float, paid_usd: float, *, calls: int = 1) -> None:
        """As `RunBudget.settle`; a call over the month's turn settles in the new month, which was folded with it."""
        month = f"{self._now():%Y-%m}"
        try:
            change = round(paid_usd * NANO) - round(reserved_usd * NANO)
            keys = wire.month_budget(month), wire.month_open(month)
            await self._redis.eval(_SETTLE, 2, *keys, change, calls)
        except (RedisError, OSError):
            log.info("month's budget not settled: the reservation stays", extra={"event": "settle_lost"})


class BothBudgets:
    """A run's budget and the month's: a call needs room in both."""

    def __init__(self, run: RunBudget | None, month: MonthBudget) -> None:
        self._run = run
        self._month = month
        self.refusal = month.refusal

    async def reserve(self, amount_usd: float, *, calls: int = 1) -> Ask:
        """As `RunBudget.reserve`; nothing stays reserved in one if the other says no."""
        said = await self._month.reserve(amount_usd, calls=calls)
        if said is not Ask.GRANTED or self._run is None:
            self.refusal = self._month.refusal
            return said
        said = await self._run.reserve(amount_usd, calls=calls)  # last: the intent must follow it at once
        if said is not Ask.GRANTED:
            self.refusal = self._run.refusal
            await self._month.settle(amount_usd, 0.0, calls=calls)
        return said

    async def settle(self, reserved_usd: float, paid_usd: float, *, calls: int = 1) -> None:
        """As `RunBudget.settle`."""
        if self._run is not None:
            await self._run.settle(reserved_usd, paid_usd, calls=calls)
        await self._month.settle(reserved_usd, paid_usd, calls=calls)


def _utc() -> datetime:
    return datetime.now(UTC)
