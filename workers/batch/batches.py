"""The batches of all runs in one worker process: a thread with an event loop of its own, led by the keeper.

The keeper says which runs there are; uploads, polls and harvests happen here and never hold it up. Whoever works on a
run's batches holds its lock (`workers.sole`): a keeper that lost its lease without noticing and its successor can
therefore never both act on one run. Where the store is elsewhere and the lock a lease, a holder that was stopped for
longer asks before each step whether it still has it, and again before a batch is made; the ledgers' conditional writes
stop what came in between.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from itertools import chain

from redis.asyncio import Redis as AsyncRedis

from schemas import run_paths, wire
from schemas.errors import NightpollError
from schemas.events import RunState
from schemas.settings import Settings
from storage.news import News
from storage.runs import last_event, list_run_ids, load_state
from storage.store import Store
from workers import connection
from workers.batch.clients import BatchClients
from workers.batch.ledger import BatchShelf, open_batches
from workers.batch.rounds import has_open_batches
from workers.batch.run import RunBatches
from workers.batch.turn import Desk
from workers.manifests import Manifests
from workers.money.budgets import budget_of
from workers.money.month_budget import Budget
from workers.sole import SoleLock, sole_lock

log = logging.getLogger(__name__)

TICK_S = 0.25
_FALTERS_S = 2.0


class BatchKeeper:
    """What the keeper calls; everything else happens in a thread that is started when there is a batch."""

    def __init__(self, store: Store, settings: Settings, redis_url: str, environ: Mapping[str, str]) -> None:
        self._store = store
        self._settings = settings
        self._redis_url = redis_url
        self._environ = environ
        self._manifests = Manifests(store)
        self._news = News(store)
        self._resting: dict[str, str] = {}
        self._runs: dict[str, RunState] = {}
        self._led_s = 0.0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self, active: Mapping[str, RunState]) -> None:
        """One round, by the keeper in office: look which runs have batches, wake the thread.

        Args:
            active: runs whose calls may go out; others are looked at for batches that are still open.
        """
        runs = {run_id: state for run_id, state in active.items() if self._manifests.of(run_id).batch_shards}
        has_news = self._news.is_any()
        for run_id in list_run_ids(self._store):
            if run_id not in active and (has_news or run_id not in self._resting):
                state = self._open_in(run_id)
                if state is not None:
                    runs[run_id] = state
        self._runs, self._led_s = runs, time.monotonic()
        if runs and (self._thread is None or not self._thread.is_alive()) and not self._ending.is_set():
            self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
            self._thread.start()

    def is_open(self, run_id: str, state: RunState) -> bool:
        """The run cannot finish yet."""
        return has_open_batches(self._store, self._manifests.of(run_id), state)

    def stop(self) -> None:
        """Begin no further step. Steps under way may end with the process: the ledgers tell where they were."""
        self._ending.set()

    def _open_in(self, run_id: str) -> RunState | None:
        """State of a run that is not active and has open batches."""
        last = last_event(self._store, run_id)
        if self._resting.get(run_id) == last:
            return None
        if not open_batches(self._store, run_id):
            self._resting[run_id] = last
            return None
        return load_state(self._store, run_id)

    def _work(self) -> None:
        try:
            asyncio.run(_Loop(self).run())
        except Exception:
            log.exception("batches failed", extra={"event": "batches_failed"})

    @property
    def leads(self) -> bool:
        """The keeper of this process is in office."""
        return time.monotonic() - self._led_s < wire.KEEPER_LEASE_S and not self._ending.is_set()


class _Loop:
    """The thread's own side."""

    def __init__(self, keeper: BatchKeeper) -> None:
        self._keeper = keeper
        self._store = keeper._store
        self._runs: dict[str, tuple[RunBatches, SoleLock]] = {}
        self._clients = BatchClients(keeper._environ)
        self._redis: AsyncRedis = connection.on_loop(keeper._redis_url)

    async def run(self) -> None:
        try:
            while not self._keeper._ending.is_set():
                try:
                    self._tick()
                except NightpollError as error:
                    log.warning("batches: %s", error, extra={"event": "batches_trouble", "code": error.code})
                    await asyncio.sleep(_FALTERS_S)
                await asyncio.sleep(TICK_S)
        finally:
            await self._clients.close()
            await self._redis.aclose()

    def _tick(self) -> None:
        states = dict(self._keeper._runs) if self._keeper.leads else {}
        for run_id, (batches, lock) in list(self._runs.items()):
            if not batches.is_busy and (run_id not in states or not lock.is_held()):
                self._runs.pop(run_id)
                lock.close()
        for run_id in states:
            self._enter(run_id)
        mine = {r: batches for r, (batches, lock) in self._runs.items() if r in states and lock.is_held()}
        ledgers = {run_id: batches.ledgers() for run_id, batches in mine.items()}
        queued = Counter[str]()
        for run_id, batches in mine.items():
            queued.update(batches.booked(ledgers[run_id]))
        everywhere = list(chain.from_iterable(ledgers.values()))
        for run_id, batches in mine.items():
            batches.tick(states[run_id], queued, everywhere)

    def _enter(self, run_id: str) -> None:
        if run_id in self._runs:
            return
        lock = sole_lock(self._store, f"{run_paths.PRIVATE}/batches/{run_id}.lock", self._keeper._redis_url)
        if not lock.try_exclusive():
            lock.close()  # the last keeper's steps are still under way
            return
        manifest = self._keeper._manifests.of(run_id)
        desk = Desk(
            self._store, run_id, BatchShelf(self._store, run_id), self._keeper._settings, self._clients.of,
            lambda: self._budget_of(run_id), lock.is_held,
        )  # fmt: skip
        self._runs[run_id] = (RunBatches(desk, manifest), lock)

    def _budget_of(self, run_id: str) -> Budget | None:
        raised = load_state(self._store, run_id).budget_usd
        return budget_of(self._redis, self._store, run_id, self._keeper._manifests.of(run_id).study.budget, raised)
