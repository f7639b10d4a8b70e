"""One process at a time: a lock on a file where the store is a folder, a lease in Redis where hosts share no disk.

A file lock lasts as long as its process. A lease does not: a process that was stopped or cut off for longer may find
that another one took it. So whoever holds a lock asks `is_held` before each thing that is bought, started or written.
"""

import logging
import threading
import time
from typing import Protocol
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from schemas import wire
from schemas.errors import LockLostError, SettingsError
from storage.store import Store
from workers import connection
from workers.local.file_locks import FileLock
from workers.shards import locks

log = logging.getLogger(__name__)

MARGIN_S = 1.0
"""A holder begins nothing more this long before its lease could run out on the server."""
_ASK_AGAIN_S = 0.5
_MEMORY_S = 3.0
"""Beyond a lease: how long a server that was just started may need until it grants anything."""


class SoleLock(Protocol):
    """What both kinds can do."""

    def try_exclusive(self) -> bool:
        """Take it; False if anybody has it."""

    def is_held(self) -> bool:
        """Nobody else can have it now; costs nothing."""

    def close(self) -> None:
        """Give it back."""


class Lease:
    """A lock in Redis that is renewed by a thread; one whose holder died is free after LOCK_LEASE_S.

    One that was lost stays lost, whatever the server says later: somebody else may have worked under it meanwhile.
    """

    def __init__(self, redis: Redis, key: str) -> None:
        self._redis = redis
        self._key = key
        self._token = uuid4().hex
        self._ending = threading.Event()
        self._renewing: threading.Thread | None = None
        self._until_s = 0.0
        self._lost = False

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

    def is_held(self) -> bool:
        """By this process's own clock, which goes on while the process is stopped."""
        return not self._lost and time.monotonic() < self._until_s - min(MARGIN_S, wire.LOCK_LEASE_S / 4)

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
        asked_s = time.monotonic()
        granted = locks.acquire_now(self._redis, self._key, self._token, wire.LOCK_LEASE_S)
        if granted == locks.GRANTED:
            self._until_s = asked_s + wire.LOCK_LEASE_S
        return granted

    def _renew(self) -> None:
        while not self._ending.wait(wire.LOCK_RENEW_S):
            asked_s = time.monotonic()
            in_time = asked_s < self._until_s
            try:
                renewed = locks.renew_now(self._redis, self._key, self._token, wire.LOCK_LEASE_S, take_back=in_time)
                if not renewed or time.monotonic() - asked_s > wire.LOCK_LEASE_S:
                    self._lost = True
                    log.warning("lease lost", extra={"event": "lease_lost", "key": self._key})
                    return
                self._until_s = asked_s + wire.LOCK_LEASE_S
            except (RedisError, OSError):
                log.info("lease not renewed", extra={"event": "lease_not_renewed", "key": self._key})


def check_held(lock: SoleLock) -> None:
    """Go on only if the lock is still ours.

    Raises:
        LockLostError: this process was stopped or cut off for longer than the lock lasts.
    """
    if not lock.is_held():
        raise LockLostError


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
