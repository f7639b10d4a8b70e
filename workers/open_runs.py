"""What metrics tell of open runs: how far they are, what they cost, how much of their quota is in use."""

import time
from collections import Counter
from collections.abc import Iterable

from redis import Redis

from schemas import wire
from schemas.models import Model
from storage.store import Store
from workers.pace import Pace
from workers.progress import ProgressReader

PARTS_A_LOOK = 200
"""So many parts are read at one look, about half a second's worth: a worker that comes late catches up in several."""
_BUCKETS_A_MINUTE = 600
_BUCKET_US = 100_000


class OpenRuns:
    """One look after another at the runs that are open; parts that landed are read once.

    Attributes:
        states: requests by state: their outcome, else `pending`. Those that predictions share count once.
        cost_usd: of all answers so far, the Batch API's too.
        still_s: how long the stillest run that waits for no batch has settled nothing.
        quota_used: share of its requests or tokens a minute that the fullest pool booked in the last minute.
    """

    def __init__(self, store: Store, redis: Redis) -> None:
        self._store = store
        self._redis = redis
        self._readers: dict[str, ProgressReader] = {}
        self._paces: dict[str, Pace] = {}
        self._pending: dict[str, int] = {}
        self._seen: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """Start a look; runs that the last one did not see are forgotten."""
        self._readers = {run_id: reader for run_id, reader in self._readers.items() if run_id in self._seen}
        self._paces = {run_id: pace for run_id, pace in self._paces.items() if run_id in self._seen}
        self._pending = {}
        self._seen = set()
        self.states: Counter[str] = Counter()
        self.cost_usd = 0.0
        self.quota_used = 0.0
        self.still_s = 0.0

    def look_at(self, run_id: str, models: Iterable[Model], *, waits_for_batches: bool = False) -> None:
        """Add an open run.

        Raises:
            StoreError: a part or its plan cannot be read.
        """
        self._seen.add(run_id)
        if run_id not in self._readers:
            self._readers[run_id] = ProgressReader(self._store, run_id)
        progress = self._readers[run_id].read(new_parts=PARTS_A_LOOK)
        self.states += progress.outcomes
        self._pending[run_id] = max(0, progress.n_requests - progress.n_settled)
        self.states["pending"] += self._pending[run_id]
        pace = self._paces.setdefault(run_id, Pace())
        pace.saw(time.monotonic(), progress.n_ended)
        if not waits_for_batches:
            self.still_s = max(self.still_s, pace.still_s)
        self.cost_usd += progress.cost_usd
        pools = {d.pool_name: (d.rpm, d.tpm) for model in models for d in model.deployments}
        for pool, (rpm, tpm) in pools.items():
            self.quota_used = max(self.quota_used, self._used(pool, rpm, tpm))

    def late_s(self, run_id: str, left_s: float) -> float | None:
        """Seconds by which a run will be late for a deadline at its own pace; None if it was not looked at."""
        pace = self._paces.get(run_id)
        return None if pace is None or run_id not in self._pending else pace.late_s(self._pending[run_id], left_s)

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
