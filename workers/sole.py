"""One process at a time: a lock on a file where the store is a folder, a lease in Redis where hosts share no disk."""

import logging
import threading
import time
from typing import Protocol
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from schemas import wire
from schemas.errors import SettingsError
from storage.store import Store
from workers import connection
from workers.local.file_locks import FileLock
from workers.shards import locks

log = logging.getLogger(__name__)

_ASK_AGAIN_S = 0.5
_MEMORY_S = 3.0
"""Beyond a lease: how long a server that was just started may need until it grants anything."""


class SoleLock(Protocol):
    """What both kinds can do."""

    def try_exclusive(self) -> bool:
        """Take it; False if anybody has it."""

    def close(self) -> None:
        """Give it back."""


class Lease:
    """A lock in Redis that is renewed by a thread; one whose holder died is free after LOCK_LEASE_S."""

    def __init__(self, redis: Redis, key: str) -> None:
        self._redis = redis
        self._key = key
        self._token = uuid4().hex
        self._ending = threading.Event()
        self._renewing: threading.Thread | None = None

    def try_exclusive(self) -> bool:
        """Take it; False if anybody has it. Waits while the server is too young to know.

        Raises:
            RedisError: nobody answers.
        """
        until_s = time.monotonic() + wire.LOCK_LEASE_S + _MEMORY_S
        while (granted := self._ask()) == locks.NOT_YET and time.monotonic() < until_s:
            self._ending.wait(_ASK_AGAIN_S)
        if granted != locks.GRANTED:
            return False
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewing.start()
        return True

    def close(self) -> None:
        """Give it back; without Redis it runs out by itself."""
        self._ending.set()
        if self._renewing is None:
            return
        self._renewing.join(timeout=2 * connection.CONNECT_S)
        try:
            locks.release_now(self._redis, self._key, self._token)
        except (RedisError, OSError):
            log.info("lease left to run out", extra={"event": "lease_left", "key": self._key})

    def _ask(self) -> int:
        return locks.acquire_now(self._redis, self._key, self._token, wire.LOCK_LEASE_S)

    def _renew(self) -> None:
        while not self._ending.wait(wire.LOCK_RENEW_S):
            try:
                if not locks.renew_now(self._redis, self._key, self._token, wire.LOCK_LEASE_S):
                    self._ask()  # forgotten by a server that was wiped: back if nobody has it
            except (RedisError, OSError):
                log.info("lease not renewed", extra={"event": "lease_not_renewed", "key": self._key})


def sole_lock(store: Store, rel: str, redis_url: str | None) -> SoleLock:
    """The lock of this name in this store, not taken yet.

    Raises:
        SettingsError: the store is elsewhere and there is no Redis.
    """
    if store.is_local:
        return FileLock(store.path(rel))
    if redis_url is None:
        raise SettingsError("a store on other machines needs a Redis that they share.", where="NIGHTPOLL_REDIS_URL")
    return Lease(connection.plain(redis_url), wire.sole_lease(rel))
