"""Notices a consumer that takes no more messages although there are some and slots are free.

After a restart of Redis Celery's consumer can be left without credit, or wait on a connection that nobody serves any
more (docs/design/queue.md, trap 5). It cannot be mended from outside, so the process drains and ends: the supervisor
and the compose file start another one, and what it held goes back to the queue.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from schemas import wire

log = logging.getLogger(__name__)

SAMPLE_S = 1.0
STUCK_S = 45.0
"""Celery may wait 30 s before it tries a lost connection again; nothing that works takes longer than this."""


@dataclass(frozen=True)
class Sample:
    """What a worker process sees at one moment; `n_queued` None: Redis did not answer."""

    n_queued: int | None
    n_running: int
    n_taken: int


class ConsumerWatch:
    """Decides from samples whether the consumer has stopped. Pure."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._since_s: float | None = None
        self._taken_then = 0

    def is_stuck(self, sample: Sample, now_s: float) -> bool:
        """Messages waited and slots were free at every look for STUCK_S, and hardly a message was taken."""
        idle = sample.n_queued is not None and sample.n_queued > 0 and sample.n_running < self._slots
        if not idle or self._since_s is None:
            self._since_s = now_s if idle else None
            self._taken_then = sample.n_taken
            return False
        waited_s = now_s - self._since_s
        if sample.n_taken - self._taken_then > waited_s / SAMPLE_S:  # it consumes: shards are shorter than a look
            self._since_s, self._taken_then = now_s, sample.n_taken
            return False
        return waited_s >= STUCK_S


class Running:
    """Messages taken and shards in work, counted over the pool's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.n_running = 0
        self.n_taken = 0

    def __enter__(self) -> None:
        with self._lock:
            self.n_running += 1
            self.n_taken += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.n_running -= 1


def watch_consumer(
    redis: Redis, running: Running, slots: int, *, ending: threading.Event, clock: Callable[[], float],
    end: Callable[[], None],
) -> None:  # fmt: skip
    """Look once a second until `ending`; call `end` once the consumer has stopped."""
    watch = ConsumerWatch(slots)
    while not ending.wait(SAMPLE_S):
        if watch.is_stuck(Sample(_queued(redis), running.n_running, running.n_taken), clock()):
            log.error("the consumer takes no more messages: worker ends", extra={"event": "consumer_stopped"})
            end()
            return


def _queued(redis: Redis) -> int | None:
    try:
        return int(redis.llen(wire.QUEUE))
    except (RedisError, OSError):
        return None
