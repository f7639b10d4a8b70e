"""A shard lock while it is held: renewed in the background, and known for sure how long it lasts."""

import asyncio
import logging
from uuid import uuid4

from redis.exceptions import RedisError

from schemas import wire
from workers.shards import locks
from workers.shards.node import Node

log = logging.getLogger(__name__)

LOCK_MARGIN_S = 1.0
"""A holder stops calling this long before its lease could run out on the server."""


class HeldLock:
    """A shard lock while it is held: renews itself, knows for sure how long it lasts."""

    def __init__(self, node: Node, key: str) -> None:
        self._node = node
        self.key = key
        self.token = uuid4().hex
        self.valid_until_s = 0.0
        self.lost = False
        self._renewing: asyncio.Task[None] | None = None

    async def acquire(self) -> int:
        """GRANTED, TAKEN or NOT_YET; renewed in the background once granted."""
        asked_s = self._node.clock_s()
        granted = await locks.acquire(self._node.redis, self.key, self.token)
        if granted == locks.GRANTED:
            self.valid_until_s = asked_s + wire.LOCK_LEASE_S
            self._renewing = asyncio.create_task(self._renew())
        return granted

    def is_valid(self) -> bool:
        """Nobody else can hold it now."""
        return not self.lost and self._node.clock_s() < self.valid_until_s - LOCK_MARGIN_S

    async def release(self) -> None:
        """Stop renewing and give it back; without Redis it runs out by itself.

        The renewal is told to end and waited for: a cancellation alone can be swallowed by a time-out that fires in
        the same moment, and a renewal that is under way would take the lock back after its release.
        """
        self.lost = True
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        try:
            await locks.release(self._node.redis, self.key, self.token)
        except (RedisError, OSError):
            log.info("lock left to run out", extra={"event": "lock_left", "key": self.key})

    async def _renew(self) -> None:
        while not self.lost:
            await asyncio.sleep(wire.LOCK_RENEW_S)
            if self.lost:
                return
            asked_s = self._node.clock_s()
            try:
                in_time = asked_s < self.valid_until_s
                renewed = await locks.renew(self._node.redis, self.key, self.token, take_back=in_time)
                if renewed and self._node.clock_s() - asked_s < wire.LOCK_LEASE_S:
                    self.valid_until_s = asked_s + wire.LOCK_LEASE_S
                else:
                    self.lost = True
            except (RedisError, OSError):
                log.info("lock not renewed", extra={"event": "lock_not_renewed", "key": self.key})
