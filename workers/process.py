"""A worker process: one event loop in a thread, Celery's consumer, the keeper, beats, drain on SIGTERM."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time

from celery.signals import worker_shutting_down
from redis.exceptions import RedisError

from schemas.errors import ExitCode, NightpollError
from schemas.settings import Settings
from storage.identity import identity
from storage.store import open_store
from workers import connection, metrics
from workers.app import worker_app
from workers.batch.batches import BatchKeeper
from workers.beats import beat, refuse_another_store
from workers.evaluations import task as evaluation_task
from workers.keeper import Keeper
from workers.logs import configure_logging
from workers.messages import allow_only_ours
from workers.nights.loop import Nights
from workers.shards.landing import part_table
from workers.shards.node import Node
from workers.tasks import ShardTask, register
from workers.tuning_poll import TuningPoll
from workers.watchdog import watch_consumer

log = logging.getLogger(__name__)

BEAT_S = 2.0
SWITCH_INTERVAL_S = 0.0005
"""Shard threads read and land while the loop waits for its next turn: it must get the interpreter back at once."""
YOUNG_OBJECTS = 20_000
"""So many new objects before the collector looks: calls leave few cycles, and each look stops the loop."""
PARENT_POLL_S = 1.0
CELERY_ENDS_WITHIN_S = 5.0
"""After the last shard ended; longer only if Redis is away and Celery waits for it."""


def run_worker(settings: Settings, redis_url: str, *, end_with_parent: int | None = None) -> ExitCode:
    """Consume shards until SIGTERM or SIGINT; open calls finish first, within `drain_s`.

    Args:
        settings: store, slots, bounds.
        redis_url: broker and limiter.
        end_with_parent: process id of a supervisor; drain when it is no longer our parent.

    Raises:
        StoreError, BrokerError: told before anything is consumed. SettingsError: others there see another store.
    """
    quiet_libraries()
    warm_up()
    store = open_store(settings.store, settings.cache)
    name = identity(store)
    refuse_another_store(connection.checked(redis_url), name, store.uri)
    loop = _loop_of_calls()
    node = asyncio.run_coroutine_threadsafe(_make_node(settings, redis_url), loop).result()
    app = worker_app(redis_url)
    task = ShardTask(node, loop, app)
    register(app, task)
    evaluation_task.register(app, evaluation_task.EvaluationTask(node, loop, task.running))
    allow_only_ours(app)
    batches = BatchKeeper(store, settings, redis_url, os.environ)
    nights, tunings = Nights(store, settings), TuningPoll(store, os.environ)
    keeper = Keeper(store, connection.plain(redis_url), app, batches=batches, nights=nights, tunings=tunings)
    metrics.serve(settings, store, connection.plain(redis_url))
    ending = threading.Event()
    _drain_on_shutdown(node, loop, ending, settings.drain_s)
    keeper.start()
    _start_watches(settings, redis_url, task, ending, store_name=name, parent=end_with_parent)
    worker = app.Worker(
        pool="threads", concurrency=settings.slots, loglevel=settings.log_level, without_gossip=True,
        without_mingle=True, quiet=True, hostname=f"nightpoll-{os.getpid()}@{socket.gethostname()}",
    )  # fmt: skip
    worker.start()
    ending.set()
    keeper.stop()
    batches.stop()
    nights.stop()
    keeper.join(timeout=5)
    asyncio.run_coroutine_threadsafe(node.close(), loop).result(timeout=10)
    loop.call_soon_threadsafe(loop.stop)
    return ExitCode.DONE


def _loop_of_calls() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="calls", daemon=True).start()
    return loop


def _start_watches(
    settings: Settings, redis_url: str, task: ShardTask, ending: threading.Event, *, store_name: str, parent: int | None
) -> None:
    """Threads that tell that this process lives, and end it when its consumer or its parent does not."""
    threading.Thread(
        target=_beat, args=(redis_url, settings.slots, store_name, ending), name="beat", daemon=True
    ).start()
    threading.Thread(
        target=watch_consumer, args=(connection.plain(redis_url), task.running, settings.slots), name="watchdog",
        kwargs={"ending": ending, "clock": time.monotonic, "end": _end_softly}, daemon=True,
    ).start()  # fmt: skip
    if parent is not None:
        threading.Thread(target=_watch_parent, args=(parent, ending), name="parent", daemon=True).start()


def quiet_libraries() -> None:
    """Libraries that write a line per request stay silent."""
    for name in ("httpx", "httpx2", "httpcore", "openai", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)


def warm_up() -> None:
    """Pay now for what the first part would import in mid-run (Arrow loads pandas then); spare it the collector."""
    part_table([], {})
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


async def _make_node(settings: Settings, redis_url: str) -> Node:
    return Node(settings, open_store(settings.store, settings.cache), connection.on_loop(redis_url), os.environ)


def _drain_on_shutdown(node: Node, loop: asyncio.AbstractEventLoop, ending: threading.Event, drain_s: float) -> None:
    def drain(**_: object) -> None:
        if ending.is_set():
            return
        ending.set()
        loop.call_soon_threadsafe(node.drain)
        threading.Thread(target=_bound_the_drain, args=(node, drain_s), name="drain", daemon=True).start()

    worker_shutting_down.connect(drain, weak=False)


def _bound_the_drain(node: Node, drain_s: float) -> None:
    """End the process when its calls are done or `drain_s` is over, even if Celery waits for a lost Redis.

    The journal holds every intent and every answer, so nothing else needs to be waited for.
    """
    pause, deadline_s = threading.Event(), time.monotonic() + drain_s
    while node.watch.is_busy() and time.monotonic() < deadline_s:
        pause.wait(0.1)
    if node.watch.is_busy():
        log.error("open calls did not finish in time", extra={"event": "drain_timeout", "drain_s": drain_s})
    pause.wait(CELERY_ENDS_WITHIN_S)
    logging.shutdown()
    os._exit(int(ExitCode.SIGTERM))


def _beat(redis_url: str, slots: int, store: str, ending: threading.Event) -> None:
    client, worker_id = connection.plain(redis_url), f"{socket.gethostname()}-{os.getpid()}"
    while True:
        try:
            beat(client, worker_id, slots, store)
        except (RedisError, OSError):
            log.info("beat not told", extra={"event": "beat_lost"})
        if ending.wait(BEAT_S):
            return


def _end_softly() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _watch_parent(parent: int, ending: threading.Event) -> None:
    while not ending.wait(PARENT_POLL_S):
        if os.getppid() != parent:
            _end_softly()
            return


def main() -> None:
    """Entry point of a local worker: settings from the environment, the parent's id as the only argument."""
    settings = Settings()
    configure_logging(settings)
    url = settings.redis_url
    if url is None:
        sys.exit("NIGHTPOLL_REDIS_URL is not set: a worker needs the server that its commands use.")
    parent = int(sys.argv[1]) if len(sys.argv) > 1 else None
    try:
        sys.exit(int(run_worker(settings, url.get_secret_value(), end_with_parent=parent)))
    except NightpollError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(int(error.exit_code))


if __name__ == "__main__":
    main()
