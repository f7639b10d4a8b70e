"""What the shards of one worker process share: store, Redis, lanes, the bound on open calls, the drain flag."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from redis.asyncio import Redis as AsyncRedis

from schemas import run_paths, wire
from schemas.models import Model
from schemas.run import RunManifest
from schemas.settings import Settings
from storage.parts import read_part
from storage.runs import load_manifest
from storage.store import Store
from workers import metrics
from workers.batch.asks import online_file, sorted_asks
from workers.calls.lanes import Lane, Lanes
from workers.limits.quota_server import RedisQuotaServer
from workers.money.budgets import budget_of
from workers.money.month_budget import Budget
from workers.shards.control import RunWatch

log = logging.getLogger(__name__)

TALK_EVERY_S = 0.5
"""Numbers for status go out, and what the keeper asks for comes in."""


class Node:
    """Lives on the process's event loop. Only `drain` may be called from another thread."""

    def __init__(self, settings: Settings, store: Store, redis: AsyncRedis, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.store = store
        self.redis = redis
        self.lanes = Lanes(RedisQuotaServer(redis), environ, settings.in_flight)
        self.watch = RunWatch(store)
        self.draining = False
        self._lives: dict[str, str] = {}
        self._gauges: dict[str, Counter[str]] = {}
        self._talking: asyncio.Task[None] | None = None
        self._giving_way: frozenset[bytes | str] = frozenset()

    def clock_s(self) -> float:
        """The loop's monotonic clock; it goes on while the process is stopped."""
        return asyncio.get_running_loop().time()

    def drain(self) -> None:
        """No new call from now on; open ones finish."""
        self.draining = True
        self.watch.stop_all()

    def look_at(self, run_id: str) -> None:
        """Something of the run begins here: from now on this process remembers the run as it is now.

        Raises:
            StoreAwayError: the store cannot be reached.
        """
        self._lives[run_id] = self.store.run_life(run_id, anew=True)

    def _life(self, run_id: str) -> str:
        return self._lives.get(run_id, "")

    def _run(self, run_id: str) -> RunManifest:
        return _manifest(self.store, run_id, self._life(run_id))

    def model_of(self, run_id: str, name: str) -> Model:
        """A model as frozen in the run."""
        return self._run(run_id).models[name]

    def lanes_of(self, run_id: str, name: str, entry: Model | None = None) -> tuple[list[Lane], list[Lane]]:
        """Lanes of a model of the run, or of the version that was put in its place, and of its fallback, if any.

        Raises:
            SettingsError: a key is missing in this process's environment.
        """
        model = self.model_of(run_id, name) if entry is None else entry
        spare = self._run(run_id).models.get("" if model.fallback is None else model.fallback)
        return self.lanes.of_model(model), [] if spare is None else self.lanes.of_model(spare)

    def model_of_shard(self, run_id: str, shard: int) -> str:
        """Name of the model that answers a shard."""
        return _shard_models(self.store, run_id, self._life(run_id))[shard]

    def budget_of(self, run_id: str, raised_usd: float | None) -> Budget | None:
        """The run's budget (what it was raised to, else the study's own) and the month's, if there are any."""
        return budget_of(self.redis, self.store, run_id, self._run(run_id).study.budget, raised_usd)

    def has_other_work(self) -> bool:
        """Shards of more than one run or model are worked on here, or every slot is taken."""
        return self.watch.n_kinds() > 1 or self.watch.n_shards() >= self.settings.slots

    def gives_way(self, lock_key: str) -> bool:
        """The keeper asked the holder of this lock to make room for another stream."""
        return lock_key.encode() in self._giving_way

    def reused_requests(self, run_id: str) -> frozenset[str]:
        """Requests of the run that earlier runs answered."""
        return _reused(self.store, run_id, self._life(run_id))

    def handed_over(self, run_id: str, shard: int, generation: int) -> np.ndarray | None:
        """Requests that a batch left to be asked online, for a shard of the Batch API; None for any other shard."""
        life = self._life(run_id)
        index = _batch_models(self.store, run_id, life).get(shard)
        return None if index is None else sorted_asks(self.store, run_id, online_file(index, generation), life)

    def counter(self, run_id: str) -> Callable[[str], None]:
        """Counts one thing for status; numbers reach Redis twice a second, and are never needed to go on."""
        gauges = self._gauges.setdefault(run_id, Counter())
        if self._talking is None or self._talking.done():
            self._talking = asyncio.create_task(self._talk())

        def count(what: str) -> None:
            gauges[what] += 1
            metrics.count(what)

        return count

    def report_trouble(self, run_id: str, message: str) -> None:
        """Tell status what the store could not be told."""
        self._trouble = asyncio.create_task(self._set_trouble(run_id, message))

    def teller(self, run_id: str) -> Callable[[str, str], None]:
        """Tells status a sentence about a quota pool; "" takes it back. Never needed to go on."""

        def tell(pool: str, sentence: str) -> None:
            if sentence:
                log.warning(sentence, extra={"event": "pool_notice", "run_id": run_id, "pool": pool})
            self._telling = asyncio.create_task(self._set_notice(run_id, pool, sentence))

        return tell

    async def close(self) -> None:
        """Close clients and connections."""
        if self._talking is not None:
            self._talking.cancel()
        await self.lanes.close()
        await self.redis.aclose()

    async def _set_trouble(self, run_id: str, message: str) -> None:
        try:
            await self.redis.set(wire.run_trouble(run_id), message, ex=3600)
        except Exception:  # noqa: BLE001 - a hint for status only
            log.info("trouble not told", extra={"event": "trouble_untold", "run_id": run_id})

    async def _set_notice(self, run_id: str, pool: str, sentence: str) -> None:
        key = wire.run_notices(run_id)
        try:
            if sentence:
                await self.redis.hset(key, pool, sentence)
                await self.redis.expire(key, 3600)
            else:
                await self.redis.hdel(key, pool)
        except Exception:  # noqa: BLE001 - a hint for status only
            log.info("notice not told", extra={"event": "notice_untold", "run_id": run_id})

    async def _talk(self) -> None:
        while True:
            await asyncio.sleep(TALK_EVERY_S)
            await self._listen()
            for run_id, gauges in list(self._gauges.items()):
                await self._flush_run(run_id, gauges)

    async def _listen(self) -> None:
        try:
            self._giving_way = frozenset(await self.redis.smembers(wire.giving_way()))
        except Exception:  # noqa: BLE001 - without Redis nobody waits for a slot that could be given
            self._giving_way = frozenset()

    async def _flush_run(self, run_id: str, gauges: Counter[str]) -> None:
        taken = dict(gauges)
        gauges.clear()
        if not taken:
            return
        key = wire.run_gauges(run_id)
        try:
            async with self.redis.pipeline(transaction=False) as pipe:
                for what, n in taken.items():
                    pipe.hincrby(key, what, n)
                pipe.expire(key, 7 * 86400)
                await pipe.execute()
        except Exception:  # noqa: BLE001 - numbers for status only: try again with the next ones
            gauges.update(taken)


@lru_cache(maxsize=32)
def _manifest(store: Store, run_id: str, life: str) -> RunManifest:
    del life  # part of the key: a run that was planned again under its name is another one
    return load_manifest(store, run_id)


@lru_cache(maxsize=32)
def _shard_models(store: Store, run_id: str, life: str) -> dict[int, str]:
    by_model = _manifest(store, run_id, life).shards_by_model
    return {shard: model for model, shards in by_model.items() for shard in shards}


@lru_cache(maxsize=32)
def _batch_models(store: Store, run_id: str, life: str) -> dict[int, int]:
    """Shard -> place of its model among those that are asked in batches."""
    by_model = _manifest(store, run_id, life).batch_shards
    return {shard: index for index, model in enumerate(sorted(by_model)) for shard in by_model[model]}


@lru_cache(maxsize=8)
def _reused(store: Store, run_id: str, life: str) -> frozenset[str]:
    del life
    if not store.exists(run_paths.part(run_id, run_paths.REUSED_UNIT)):
        return frozenset()
    return frozenset(read_part(store, run_id, run_paths.REUSED_UNIT, ["request_id"])["request_id"].to_pylist())
