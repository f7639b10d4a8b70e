"""The Celery task: decode, delegate to the loop, never lose the message.

An exception that escapes an acks_late task acknowledges it (docs/design/queue.md, trap 2): whatever happens ends in
a return or in Reject(requeue=True). Requeuing is slowed down and bounded, so that poison does not spin.
"""

import asyncio
import logging
import threading
from collections import Counter

from celery import Celery
from celery.exceptions import Reject

from producer.enqueue import ShardMessage, publish
from schemas import run_paths, wire
from schemas.errors import NightpollError
from storage.runs import append_event
from workers import messages
from workers.shards.node import Node
from workers.shards.shard import ShardEnd, work_shard
from workers.shards.wanted import ShardRef
from workers.watchdog import Running

log = logging.getLogger(__name__)

REQUEUE_PAUSE_S = 1.0
MAX_FAILED_STARTS = 5
"""A unit that failed this often in one process for reasons of its own stops its run instead of spinning."""


class ShardTask:
    """What the Celery task does, with what it needs."""

    def __init__(self, node: Node, loop: asyncio.AbstractEventLoop, app: Celery) -> None:
        self._node = node
        self._app = app
        self._loop = loop
        self._failed: Counter[ShardRef] = Counter()
        self._pause = threading.Event()
        self.running = Running()

    def __call__(self, run_id: str, shard: int, generation: int, format_no: int) -> None:
        """Work on one shard.

        Raises:
            Reject: to put the message back (drain, unforeseen failure).
        """
        with self.running:
            self._work(run_id, shard, generation, format_no)

    def _work(self, run_id: str, shard: int, generation: int, format_no: int) -> None:
        if format_no != wire.MESSAGE_FORMAT:
            log.error("message of another format", extra={"event": "message_format", "format_no": format_no})
            return
        ref = ShardRef(run_paths.checked_run_id(run_id), int(shard), int(generation))
        if self._node.draining:
            raise Reject("draining", requeue=True)
        try:
            end = asyncio.run_coroutine_threadsafe(work_shard(self._node, ref), self._loop).result()
            if end is ShardEnd.YIELDED:
                publish(self._app, [ShardMessage(ref.run_id, ref.shard, ref.generation)])  # at the end of the queue
        except Exception as error:  # noqa: BLE001 - the edge: recorded, put back, bounded
            self._put_back(ref, error)
        else:
            if end is ShardEnd.STOPPED and self._node.draining:
                raise Reject("draining", requeue=True)
            if end is ShardEnd.AWAY:
                self._pause.wait(REQUEUE_PAUSE_S)
                raise Reject("store away", requeue=True)

    def _put_back(self, ref: ShardRef, error: Exception) -> None:
        self._failed[ref] += 1
        log.error(
            "shard failed: %s", type(error).__name__, exc_info=error,
            extra={"event": "shard_failed", "run_id": ref.run_id, "unit": ref.unit, "times": self._failed[ref]},
        )  # fmt: skip
        if self._failed[ref] >= MAX_FAILED_STARTS:
            self._stop_run(ref, error)
            return
        self._pause.wait(REQUEUE_PAUSE_S)
        raise Reject(type(error).__name__, requeue=True)

    def _stop_run(self, ref: ShardRef, error: Exception) -> None:
        what = str(error) if isinstance(error, NightpollError) else f"{type(error).__name__} in unit {ref.unit}"
        message = f"{what} ({MAX_FAILED_STARTS} times; see the worker's log)"
        try:
            append_event(self._node.store, ref.run_id, "environment", {"message": message})
        except NightpollError:
            raise Reject("store", requeue=True) from error


def register(app: Celery, task: ShardTask) -> None:
    """Make the task known under its wire name."""

    @app.task(name=wire.PREDICT_SHARD, acks_late=True, ignore_result=True, Strategy=messages.STRATEGY)
    def predict_shard(run_id: str, shard: int, generation: int, format_no: int) -> None:
        task(run_id, shard, generation, format_no)
