"""What metrics tell of open runs: how far they are, what they cost, how much of their quota is in use."""

import time
from collections import Counter

from redis import Redis

from schemas import run_paths, wire
from schemas.events import RunState
from schemas.run import RunManifest
from storage.parts import landed_units
from storage.store import Store
from workers.open_units import online_units
from workers.pace import Pace
from workers.progress import ProgressReader
from workers.task_states import TaskStates

PARTS_A_LOOK = 200
"""So many parts are read at one look, about half a second's worth: a worker that comes late catches up in several."""
_BUCKETS_A_MINUTE = 600
_BUCKET_US = 100_000


class OpenRuns:
    """One look after another at the runs that are open; parts that landed are read once.

    Attributes:
        states: tasks by state: the best outcome of their request so far, else `pending`; `imported` if they ask nobody.
        request_states: distinct requests likewise; one that a retry asked again counts once more.
        cost_usd: of all answers so far, the Batch API's too.
        still_s: how long the stillest run that waits for no batch has settled nothing.
        rpm: pool -> requests a minute that it allows.
        quota_used: pool -> share of its requests or tokens a minute that it booked in the last minute.
        waiting: pool -> shards that nobody has begun, whose model it serves.
    """

    def __init__(self, store: Store, redis: Redis) -> None:
        self._store = store
        self._redis = redis
        self._readers: dict[str, ProgressReader] = {}
        self._tasks: dict[str, TaskStates] = {}
        self._paces: dict[str, Pace] = {}
        self._pending: dict[str, int] = {}
        self._seen: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """Start a look; runs that the last one did not see are forgotten."""
        self._readers = {run_id: reader for run_id, reader in self._readers.items() if run_id in self._seen}
        self._tasks = {run_id: tasks for run_id, tasks in self._tasks.items() if run_id in self._seen}
        self._paces = {run_id: pace for run_id, pace in self._paces.items() if run_id in self._seen}
        self._pending = {}
        self._seen = set()
        self.states: Counter[str] = Counter()
        self.request_states: Counter[str] = Counter()
        self.cost_usd = 0.0
        self.rpm: dict[str, int] = {}
        self.quota_used: dict[str, float] = {}
        self.waiting: Counter[str] = Counter()
        self.still_s = 0.0

    def look_at(self, manifest: RunManifest, state: RunState, *, waits_for_batches: bool = False) -> None:
        """Add an open run.

        Raises:
            StoreError: a part or its plan cannot be read.
        """
        run_id = manifest.run_id
        self._seen.add(run_id)
        if run_id not in self._readers:
            self._tasks[run_id] = TaskStates(self._store, run_id)
            self._readers[run_id] = ProgressReader(self._store, run_id, self._tasks[run_id].saw)
        progress = self._readers[run_id].read(new_parts=PARTS_A_LOOK)
        self.states += self._tasks[run_id].counts()
        self.request_states += progress.outcomes
        self._pending[run_id] = max(0, progress.n_requests - progress.n_settled)
        self.request_states["pending"] += self._pending[run_id]
        pace = self._paces.setdefault(run_id, Pace())
        pace.saw(time.monotonic(), progress.n_ended)
        if not waits_for_batches:
            self.still_s = max(self.still_s, pace.still_s)
        self.cost_usd += progress.cost_usd
        self._look_at_pools(manifest, state)

    def late_s(self, run_id: str, left_s: float) -> float | None:
        """Seconds by which a run will be late for a deadline at its own pace; None if it was not looked at."""
        pace = self._paces.get(run_id)
        return None if pace is None or run_id not in self._pending else pace.late_s(self._pending[run_id], left_s)

    def _look_at_pools(self, manifest: RunManifest, state: RunState) -> None:
        run_id = manifest.run_id
        begun = {run_paths.unit_of_journal(name) for name in self._store.names(run_paths.journal_dir(run_id))}
        begun |= landed_units(self._store, run_id)
        units = online_units(manifest, state)
        for name, model in manifest.models.items():
            replaced = state.replacement(name)
            pools = {d.pool_name: d for d in (model if replaced is None else replaced.entry).deployments}
            n_waiting = 0 if name in state.stopped_models else len(set(units.get(name, ())) - begun)
            for pool, deployment in pools.items():
                self.waiting[pool] += n_waiting
                if pool not in self.quota_used:
                    self.rpm[pool] = deployment.rpm
                    self.quota_used[pool] = self._used(pool, deployment.rpm, deployment.tpm)

    def _used(self, pool: str, rpm: int, tpm: int | None) -> float:
        """Share of a pool's last minute, by the pool's own clock; nothing is booked ahead of it here."""
        offset = self._redis.hget(wire.limiter(pool), "o")
        seconds, micros = self._redis.time()
        now = seconds * 1_000_000 + micros + (0 if offset is None else int(offset))
        last = now // _BUCKET_US
        calls, tokens = 0.0, 0.0
        for field, amount in self._redis.hgetall(wire.limiter_minute(pool)).items():
            kind, bucket = field[:1], int(field[1:])
            if last - _BUCKETS_A_MINUTE < bucket <= last:
                calls += float(amount) if kind == b"r" else 0.0
                tokens += float(amount) if kind == b"t" else 0.0
        return max(calls / rpm, tokens / tpm if tpm else 0.0)
