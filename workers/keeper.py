"""The keeper: publishes open shards in a window, publishes lost ones again, compacts and finishes runs.

Every worker process has one thread of it; the holder of the lease in Redis acts. It reads what is left to do from
the store, so it may die at any moment and any other goes on. Redis is asked only what is queued and locked.
"""

import logging
import threading
import time
from collections.abc import Callable
from itertools import chain
from uuid import uuid4

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from producer.enqueue import ShardMessage, publish
from schemas import run_paths, wire
from schemas.errors import LockLostError, NightpollError, StoreAwayError, StoreError
from schemas.events import RunState
from storage.news import News
from storage.parts import landed_units
from storage.runs import append_event, last_event, list_run_ids, load_state
from storage.store import Store
from workers.backlog import Published, Stream, next_messages, shares_of
from workers.batch.batches import BatchKeeper
from workers.beats import live_slots
from workers.evaluations.jobs import EvaluationJobs
from workers.manifests import Manifests
from workers.nights.loop import Nights
from workers.predictions.compaction import compact
from workers.predictions.late_answers import late_answers
from workers.shards import locks
from workers.sharing import crowds_the_queue, giving_way
from workers.tuning_poll import TuningPoll
from workers.versions.watch import VersionWatch

log = logging.getLogger(__name__)

TICK_S = 0.5


class Keeper(threading.Thread):
    """The keeper's thread in one worker process."""

    def __init__(
        self,
        store: Store,
        redis: Redis,
        app: Celery,
        *,
        batches: BatchKeeper | None = None,
        nights: Nights | None = None,
        tunings: TuningPoll | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="keeper", daemon=True)
        self._store = store
        self._redis = redis
        self._app = app
        self._batches = batches
        self._nights = nights
        self._tunings = tunings
        self._clock = clock
        self._token = uuid4().hex
        self._stop_event = threading.Event()
        self._published = Published()
        self._manifests = Manifests(store)
        self._news = News(store)
        self._resting: dict[str, str] = {}  # runs with nothing to do, with the last event they had then
        self._versions = VersionWatch(store, clock=clock)
        self._evaluations = EvaluationJobs(redis, app, clock)
        self._held_since_s: dict[ShardMessage, float] = {}
        self._asked: frozenset[ShardMessage] = frozenset()  # shards that were told to give way and still hold
        self._renewed_s = 0.0
        self._leading = False

    def stop(self) -> None:
        """End after the current tick and give the lease back."""
        self._stop_event.set()

    def run(self) -> None:
        """Loop until stopped; trouble with Redis or the store is waited out."""
        while not self._stop_event.wait(max(TICK_S, self._store.look_every_s)):
            try:
                if self._lead():
                    self.tick()
            except (RedisError, OperationalError, OSError) as error:
                self._leading = False
                log.info("keeper waits for Redis", extra={"event": "keeper_waits", "reason": type(error).__name__})
            except NightpollError as error:
                log.warning("keeper: %s", error, extra={"event": "keeper_trouble", "code": error.code})
            except Exception:
                log.exception("keeper failed in a tick", extra={"event": "keeper_failed"})
        try:
            locks.release_now(self._redis, wire.keeper_lease(), self._token)
        except (RedisError, OSError):
            log.info("keeper lease left to run out", extra={"event": "lease_left"})

    def tick(self) -> None:
        """One round over all open runs."""
        if self._tunings is not None:
            self._tunings.tick()
        open_runs = self._open_runs()
        self._stay()
        self._evaluations.publish(run_id for run_id, state in open_runs.items() if state.is_to_evaluate)
        if self._nights is not None:
            self._nights.tick()
        states = {run_id: state for run_id, state in open_runs.items() if state.is_active}
        if self._versions.tick(states):
            states = {run_id: state for run_id in states if (state := load_state(self._store, run_id)).is_active}
        if self._batches is not None:
            self._batches.tick(states)
        streams = {run_id: self._streams(run_id, state) for run_id, state in states.items()}
        self._stay()
        self._publish(list(chain.from_iterable(streams.values())))
        for run_id, state in states.items():
            if not any(stream.is_open for stream in streams[run_id]) and not self._has_batches(run_id, state):
                self._stay()
                self._finish(run_id, state)

    def _lead(self) -> bool:
        now_s = self._clock()
        if self._leading:
            if now_s - self._renewed_s < wire.KEEPER_RENEW_S:
                return True
            self._leading = locks.renew_now(self._redis, wire.keeper_lease(), self._token, wire.KEEPER_LEASE_S)
        else:
            granted = locks.acquire_now(self._redis, wire.keeper_lease(), self._token, wire.KEEPER_LEASE_S)
            self._leading = granted == locks.GRANTED
            self._published.forget_all()
        if self._leading:
            self._renewed_s = now_s
        return self._leading

    def _stay(self) -> None:
        """Renew in the middle of a tick, in a bucket each look at a run takes its time; end it if the lease is lost."""
        if self._leading and not self._lead():
            raise LockLostError

    def _open_runs(self) -> dict[str, RunState]:
        """Runs that are active or wait for their evaluation."""
        found, has_news = {}, self._news.is_any()
        for run_id in list_run_ids(self._store):
            if not has_news and run_id in self._resting:
                continue
            self._stay()
            last = last_event(self._store, run_id)
            if self._resting.get(run_id) == last:
                continue
            state = load_state(self._store, run_id)
            if state.is_active or state.is_to_evaluate:
                found[run_id] = state
            else:
                self._resting[run_id] = last
        return found

    def _streams(self, run_id: str, state: RunState) -> list[Stream]:
        """Open work of a run; models that nobody serves any more are left out."""
        self._stay()
        landed = landed_units(self._store, run_id)
        generations = (0, state.generation) if state.generation else (0,)
        per_model = self._manifests.of(run_id).online_shards
        streams = [
            Stream(run_id, generation, shards, landed, state.priority)
            for generation in generations
            for model, shards in per_model.items()
            if model not in state.stopped_models
        ]
        return streams + [
            Stream(run_id, moved.generation, moved.shards, landed, state.priority)
            for moved in state.handed_over
            if moved.model not in state.stopped_models
        ]

    def _has_batches(self, run_id: str, state: RunState) -> bool:
        return self._batches is not None and self._batches.is_open(run_id, state)

    def _publish(self, streams: list[Stream]) -> None:
        n_waiting = self._redis.llen(wire.QUEUE)
        landed = {s.run_id: s.landed for s in streams}
        self._published.forget_landed(landed)
        locked = self._locked(list(self._published.at_s))
        now_s, slots = self._clock(), live_slots(self._redis)
        n_waiting = self._make_room(streams, locked, n_waiting=n_waiting, slots=slots, now_s=now_s)
        candidates = next_messages(
            streams, self._published, locked=locked, n_waiting=n_waiting, slots=slots, now_s=now_s
        )
        locked = self._locked(candidates)
        free = [m for m in candidates if m not in locked]
        if free:
            publish(self._app, free)
        self._published.at_s.update(dict.fromkeys(candidates, now_s))

    def _make_room(
        self, streams: list[Stream], locked: frozenset[ShardMessage], *, n_waiting: int, slots: int, now_s: float
    ) -> int:
        """Let a newcomer in: shorten the queue before it, name shards that give way. Messages still in the queue."""
        self._held_since_s = {m: self._held_since_s.get(m, now_s) for m in locked}
        self._published.forget(self._asked - locked)  # they gave way and are due again, within their stream's share
        live = [stream for stream in streams if stream.is_open]
        if crowds_the_queue(live, self._published, locked=locked, shares=shares_of(live, slots)):
            self._redis.unlink(wire.QUEUE)  # a hint: what it held is published again, in turn
            self._published.forget(set(self._published.at_s) - locked)
            n_waiting = 0
        asked = giving_way(
            live, self._published, held_since_s=self._held_since_s, n_waiting=n_waiting, slots=slots, now_s=now_s
        )
        if asked:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.delete(wire.giving_way())
                pipe.sadd(wire.giving_way(), *(wire.shard_lock(m.run_id, _unit(m)) for m in asked))
                pipe.pexpire(wire.giving_way(), int(wire.GIVING_WAY_S * 1000))
                pipe.execute()
        self._asked = (self._asked & locked) | frozenset(asked)
        return n_waiting

    def _locked(self, messages: list[ShardMessage]) -> frozenset[ShardMessage]:
        if not messages:
            return frozenset()
        with self._redis.pipeline(transaction=False) as pipe:
            for message in messages:
                pipe.exists(wire.shard_lock(message.run_id, _unit(message)))
            held = pipe.execute()
        return frozenset(m for m, is_held in zip(messages, held, strict=True) if is_held)

    def _finish(self, run_id: str, state: RunState) -> None:
        """Nothing is left to publish: compact and finish, or stop if a model left its shards open."""
        if state.stopped_models:
            data = {"exit_code": max(state.stopped_models.values()), "message": state.reason}
            append_event(self._store, run_id, "stopped", data)
            return
        try:
            summary = compact(self._store, run_id, progress=self._stay)
        except StoreAwayError:
            raise  # the next tick tries again
        except StoreError as error:
            append_event(self._store, run_id, "environment", {"message": str(error)})
            return
        if not load_state(self._store, run_id).is_active:
            return  # a cancel or a new generation came while we compacted: its own round will see to it
        late = late_answers(self._store, self._manifests.of(run_id))
        self._stay()  # compaction takes minutes
        data = {"exit_code": summary.exit_code, "statuses": summary.statuses} | ({"late": late} if late else {})
        append_event(self._store, run_id, "finished", data)
        log.info("run finished", extra={"event": "run_finished", "run_id": run_id})


def _unit(message: ShardMessage) -> str:
    return run_paths.shard_unit(message.shard, message.generation)
