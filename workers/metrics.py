"""Prometheus metrics of a worker process: counters of its own, and what Redis and the store say when it is scraped.

Labels are outcomes, states, error codes and quota pools (as models.yaml names them) only: never a run, a respondent, a
request or an address.
"""

import threading
import time
from collections import Counter as Tally
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from schemas import run_paths, wire
from schemas.errors import NightpollError
from schemas.settings import Settings
from storage.news import News
from storage.parts import landed_units
from storage.runs import list_run_ids, load_manifest, load_state
from storage.store import Store
from workers.batch.counts import ANSWERED, BatchCounts, tokens_of
from workers.batch.ledger import open_batches
from workers.money.budget import NANO
from workers.nights.clock import NightClock
from workers.nights.entries import read_queue
from workers.open_runs import OpenRuns
from workers.shards.journal import last_written_s
from workers.shards.landing import Answer

REGISTRY = CollectorRegistry()
"""Of its own: the default one would tell of Python and of other libraries."""

CALLS = Counter(
    "nightpoll_calls", "Calls that went out; lines of a batch once it is over.", ["transport"], registry=REGISTRY
)
ERRORS = Counter("nightpoll_call_errors", "Calls that failed, by error code.", ["code"], registry=REGISTRY)
CALL_OUTCOMES = Counter(
    "nightpoll_call_outcomes", "Calls that ended: answered, or the code of their error.", ["outcome"], registry=REGISTRY
)
REQUESTS = Counter("nightpoll_requests", "Requests that were settled, by outcome.", ["outcome"], registry=REGISTRY)
TOKENS = Counter("nightpoll_tokens", "Tokens billed, by kind.", ["kind"], registry=REGISTRY)
COST = Counter("nightpoll_cost_usd", "US$ that answers cost.", registry=REGISTRY)
IN_FLIGHT = Gauge("nightpoll_calls_in_flight", "Calls that are open now.", registry=REGISTRY)
LIMITER_WAIT = Histogram(
    "nightpoll_limiter_wait_seconds", "Wait for a turn within the quota.", registry=REGISTRY,
    buckets=(0.01, 0.1, 0.5, 1, 5, 15, 60, 300),
)  # fmt: skip
_SEEN_FOR_S = 10.0


def count(what: str) -> None:
    """What workers count for status: `called`, `error:<code>`, an outcome."""
    if what == "called":
        CALLS.labels("online").inc()
    elif what.startswith("error:"):
        ERRORS.labels(what.removeprefix("error:")).inc()
        CALL_OUTCOMES.labels(what.removeprefix("error:")).inc()
    else:
        REQUESTS.labels(what).inc()


def harvested(counts: BatchCounts) -> None:
    """What a batch brought, told once by the process that landed its part."""
    CALLS.labels("batch").inc(counts.calls.total())
    for outcome, n in counts.calls.items():
        CALL_OUTCOMES.labels(outcome).inc(n)
        if outcome != ANSWERED:
            ERRORS.labels(outcome).inc(n)
    for outcome, n in counts.requests.items():
        REQUESTS.labels(outcome).inc(n)
    for kind, n in counts.tokens.items():
        TOKENS.labels(kind).inc(n)
    COST.inc(counts.cost_usd)


def answered(answer: Answer) -> None:
    """Tokens and cost of a call that was answered."""
    COST.inc(max(0.0, answer.cost_usd))
    for kind, n in tokens_of(answer).items():
        TOKENS.labels(kind).inc(n)


class StoreCollector(Collector):
    """Queue depth, runs, batches, budgets and deadlines, looked up at most every ten seconds."""

    def __init__(self, store: Store, redis: Redis, clock: NightClock) -> None:
        self._store = store
        self._redis = redis
        self._clock = clock
        self._open_runs = OpenRuns(store, redis)
        self._news = News(store)
        self._resting: dict[str, str] = {}  # phase of runs that nothing happens to until somebody says so
        self._lock = threading.Lock()
        self._seen: list[GaugeMetricFamily] = []
        self._seen_s = -_SEEN_FOR_S

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What is true now; the last look if Redis or the store do not answer."""
        with self._lock:
            if time.monotonic() - self._seen_s >= _SEEN_FOR_S:
                try:
                    self._seen = [*self._of_redis(), *self._of_store(), *self._of_nights()]
                    self._seen_s = time.monotonic()
                except (NightpollError, RedisError, OSError):
                    self._seen_s = time.monotonic() - _SEEN_FOR_S / 2
            yield from self._seen

    def _of_redis(self) -> Iterator[GaugeMetricFamily]:
        yield _gauge("nightpoll_queue_depth", "Shards that wait in Redis.", self._redis.llen(wire.QUEUE))

    def _of_store(self) -> Iterator[GaugeMetricFamily]:
        phases, batches, idle_s, used = Tally[str](), Tally[str](), 0.0, 0.0
        self._open_runs.begin()
        has_news = self._news.is_any()
        for run_id in list_run_ids(self._store):
            if not has_news and run_id in self._resting:
                phases[self._resting[run_id]] += 1
                continue
            state = load_state(self._store, run_id)
            phases[state.phase] += 1
            in_batches = open_batches(self._store, run_id)
            batches.update(batch.state for batch in in_batches)
            self._resting.pop(run_id, None)
            if not state.is_active and not in_batches:
                self._resting[run_id] = state.phase
            if state.is_active:
                manifest = load_manifest(self._store, run_id)
                limit = manifest.study.budget.run_usd if state.budget_usd is None else state.budget_usd
                used = max(used, self._used(wire.run_budget(run_id), limit))
                idle_s = max(idle_s, self._idle_s(run_id))
                waits = any(not batch.is_over for batch in in_batches)
                self._open_runs.look_at(manifest, state, waits_for_batches=waits)
        yield _by("nightpoll_runs", "Runs of the store, by state.", "state", phases)
        yield _by("nightpoll_batches_open", "Open batches, by state.", "state", batches)
        yield _gauge("nightpoll_oldest_shard_seconds", "Since the stillest open shard was last written.", idle_s)
        yield from self._of_open_runs(self._open_runs)
        yield _gauge("nightpoll_budget_used_ratio", "Share of its budget that the nearest run has committed.", used)

    def _of_open_runs(self, runs: OpenRuns) -> Iterator[GaugeMetricFamily]:
        rpm = sum(runs.rpm.values())
        yield _gauge("nightpoll_quota_requests_per_minute", "Requests a minute that open runs may make.", rpm)
        yield _by("nightpoll_predictions", "Tasks of open runs, by state.", "state", runs.states)
        yield _by("nightpoll_open_requests", "Distinct requests of open runs, by state.", "state", runs.request_states)
        yield _gauge("nightpoll_open_runs_cost_usd", "US$ of open runs so far, batches too.", runs.cost_usd)
        yield _by("nightpoll_quota_used_ratio", "Last minute of each quota pool.", "pool", runs.quota_used)
        waiting = "Shards that nobody has begun, by the quota pool that is to serve them."
        yield _by("nightpoll_quota_waiting_shards", waiting, "pool", runs.waiting)
        yield _gauge("nightpoll_run_still_seconds", "Since an open run without batches settled.", runs.still_s)

    def _of_nights(self) -> Iterator[GaugeMetricFamily]:
        entries, now = read_queue(self._store).entries, self._clock.now()
        yield _by(
            "nightpoll_night_entries", "Entries of the overnight queue.", "state", Tally(e.state for e in entries)
        )
        at_work = [(e.run_id, e.deadline_at(now)) for e in entries if e.state == "running"]
        left = [(run_id, (at - now).total_seconds()) for run_id, at in at_work if at is not None]
        if left:
            nearest_s = min(left_s for _, left_s in left)
            yield _gauge("nightpoll_night_deadline_seconds", "Until the nearest deadline of what works.", nearest_s)
        late = [late_s for run_id, left_s in left if (late_s := self._open_runs.late_s(run_id, left_s)) is not None]
        if late:
            yield _gauge(
                "nightpoll_night_late_seconds", "By which the latest study will be late at its pace.", max(late)
            )

    def _used(self, key: str, limit_usd: float | None) -> float:
        committed = self._redis.hget(key, "committed")
        return 0.0 if limit_usd is None or committed is None else int(committed) / NANO / limit_usd

    def _idle_s(self, run_id: str) -> float:
        folder = run_paths.journal_dir(run_id)
        landed = landed_units(self._store, run_id)  # a host that was cut off may leave journals of them behind
        last = last_written_s(self._store, folder).items()
        written = [at_s for holder, at_s in last if holder.rpartition(".")[0] not in landed]
        return max(0.0, time.time() - min(written)) if written else 0.0


def serve(settings: Settings, store: Store, redis: Redis) -> int | None:
    """Serve this process's metrics; the port, the next free one after the setting's; None if they are off.

    Raises:
        OSError: none of 64 ports is free.
    """
    if settings.metrics_port is None:
        return None
    REGISTRY.register(StoreCollector(store, redis, NightClock.of(settings)))
    for port in range(settings.metrics_port, settings.metrics_port + 64):
        try:
            start_http_server(port, addr=settings.metrics_host, registry=REGISTRY)
        except OSError:
            continue
        return port
    raise OSError(f"no free port from {settings.metrics_port} on for metrics")


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=float(value))


def _by(name: str, what: str, label: str, counts: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=[label])
    for value, n in sorted(counts.items()):
        family.add_metric([value], n)
    return family
