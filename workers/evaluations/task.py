"""The Celery task that evaluates a run: one holder at a time, in a child process, told as an event when done."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from celery import Celery
from celery.exceptions import Reject
from redis.exceptions import RedisError

from schemas import run_paths, wire
from schemas.secret_text import names_a_secret
from schemas.settings import STORE_VARIABLES
from storage.runs import append_event, load_state
from workers import messages
from workers.shards import locks
from workers.shards.held_lock import HeldLock
from workers.shards.node import Node
from workers.watchdog import Running

log = logging.getLogger(__name__)

STOP_POLL_S = 0.5
ERROR_BYTES = 2000


class EvaluationTask:
    """What the Celery task does, with what it needs."""

    def __init__(self, node: Node, loop: asyncio.AbstractEventLoop, running: Running) -> None:
        self._node = node
        self._loop = loop
        self._running = running

    def __call__(self, run_id: str, format_no: int) -> None:
        """Evaluate a run unless another worker does or nobody wants it any more.

        Raises:
            Reject: to put the message back (drain).
        """
        if format_no != wire.MESSAGE_FORMAT:
            log.error("message of another format", extra={"event": "message_format", "format_no": format_no})
            return
        name = run_paths.checked_run_id(run_id)
        try:
            with self._running:
                asyncio.run_coroutine_threadsafe(evaluate(self._node, name), self._loop).result()
        except Exception as error:
            log.error(
                "evaluation failed: %s", type(error).__name__, exc_info=error,
                extra={"event": "evaluation_failed", "run_id": name},
            )  # fmt: skip
        if self._node.draining:
            raise Reject("draining", requeue=True)


async def evaluate(node: Node, run_id: str) -> bool:
    """Evaluate a run under its lock; False if there was nothing to do here or it was broken off.

    Raises:
        NightpollError: the run cannot be read.
    """
    if node.draining or not load_state(node.store, run_id).is_to_evaluate:
        return False
    lock = HeldLock(node, wire.evaluation_lock(run_id))
    if await lock.acquire() != locks.GRANTED:
        return False
    try:
        state = load_state(node.store, run_id)
        if not state.is_to_evaluate:
            return False
        ended = await _in_child(node, run_id, with_report=state.with_report, stop=lambda: not _may_go_on(node, lock))
        if ended is None or not lock.is_valid():
            return False
        append_event(node.store, run_id, "evaluated", {"exit_code": ended[0], "message": ended[1]})
        log.info("run evaluated", extra={"event": "run_evaluated", "run_id": run_id, "exit_code": ended[0]})
        return True
    finally:
        await lock.release()


def _may_go_on(node: Node, lock: HeldLock) -> bool:
    return not node.draining and lock.is_valid()


async def _in_child(node: Node, run_id: str, *, with_report: bool, stop: Callable[[], bool]) -> tuple[int, str] | None:
    """Exit code and last line of the errors; None if it was broken off."""
    words = [sys.executable, "-m", "workers.evaluations.child", run_id, *(["report"] if with_report else [])]
    opens_the_store = () if node.store.is_local else STORE_VARIABLES
    env = {k: v for k, v in os.environ.items() if not names_a_secret(k) or k.startswith(opens_the_store)}
    env["NIGHTPOLL_STORE"] = node.store.uri  # it asks no service but the store's
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*words, env=env, stdout=pipe, stderr=pipe)
    assert child.stdout is not None
    assert child.stderr is not None
    progress = asyncio.create_task(_forward(node, run_id, child.stdout))
    said = asyncio.create_task(child.stderr.read())
    try:
        while child.returncode is None:
            if stop():
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), timeout=STOP_POLL_S)
        lines = (await said)[-ERROR_BYTES:].decode("utf-8", "replace").strip().splitlines()
        if child.returncode < 0:
            return 1, f"The evaluation was ended by signal {-child.returncode}."
        return child.returncode, lines[-1] if child.returncode and lines else ""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        progress.cancel()
        said.cancel()


async def _forward(node: Node, run_id: str, lines: asyncio.StreamReader) -> None:
    async for line in lines:
        with suppress(RedisError, OSError):
            await node.redis.set(wire.evaluation_progress(run_id), line.strip(), ex=60)


def register(app: Celery, task: EvaluationTask) -> None:
    """Make the task known under its wire name."""

    @app.task(name=wire.EVALUATE_RUN, acks_late=True, ignore_result=True, Strategy=messages.STRATEGY)
    def evaluate_run(run_id: str, format_no: int) -> None:
        task(run_id, format_no)
