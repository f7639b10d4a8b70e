"""Following a run until it ends: settled, rate, quota used, cost, failures by reason, time left."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError
from rich.live import Live
from rich.text import Text

from cli.presence import nobody_note
from cli.views.batch import document, now, summary
from cli.views.console import err
from schemas import wire
from schemas.batches import BatchLedger
from schemas.errors import EnvironmentFailureError, ExitCode
from schemas.events import RunState
from schemas.run import RunManifest
from storage.identity import known_identity
from storage.runs import load_manifest, load_state
from storage.store import Store
from workers import connection
from workers.batch.ledger import BatchShelf
from workers.local.server import socket_url
from workers.progress import Progress, ProgressReader

POLL_S = 0.5
PLAIN_EVERY_S = 5.0
RATE_OVER_S = 15.0
NO_WORKER_NOTE_S = 30.0
NO_WORKER_YET = (
    "The workers are still starting: a busy machine takes a while. Their log is .nightpoll/workers.log in the store."
)


@dataclass(frozen=True)
class View:
    """What is shown of a run at one moment."""

    state: RunState
    progress: Progress
    rate_per_s: float
    quota_share: float | None
    left_s: float | None
    notices: tuple[str, ...] = ()
    batches: Sequence[BatchLedger] = ()

    def as_json(self, run_id: str) -> dict[str, Any]:
        """For --json."""
        p = self.progress
        return {
            "run_id": run_id, "state": self.state.phase, "reason": self.state.reason, "requests": p.n_requests,
            "settled": p.n_settled, "outcomes": dict(p.outcomes), "reasons": dict(p.reasons), "reused": p.n_reused,
            "again": p.n_again,
            "cost_usd": p.cost_usd, "maybe_paid": p.maybe_paid, "rate_per_s": self.rate_per_s,
            "quota_share": self.quota_share, "left_s": self.left_s,
            "late": self.state.late,
            "batches": [document(ledger, now()) for ledger in self.batches],
            "notices": list(self.notices),
            "evaluation": self.state.evaluation, "evaluation_note": self.state.evaluation_note,
        }  # fmt: skip

    def line(self) -> str:
        """One line for people."""
        p = self.progress
        share = p.n_settled / p.n_requests if p.n_requests else 1.0
        parts = [f"{self.state.phase}: {p.n_settled:,} of {p.n_requests:,} settled ({share:.0%})"]
        if p.n_again:
            parts.append(f"{p.n_again:,} asked again")
        parts.append(f"{self.rate_per_s:.0f}/s")
        if self.quota_share is not None:
            parts.append(f"quota {self.quota_share:.0%}")
        parts.append(f"${p.cost_usd:.4f}")
        bad = {k: v for k, v in p.reasons.items() if v}
        if bad:
            parts.append(", ".join(f"{k} {v:,}" for k, v in sorted(bad.items(), key=lambda kv: -kv[1])[:3]))
        if p.maybe_paid:
            parts.append(f"maybe paid twice {p.maybe_paid:,}")
        if self.state.late:
            parts.append(f"after the deadline {sum(self.state.late.values()):,}")
        if told := summary(self.batches):
            parts.append(told)
        if self.left_s is not None:
            parts.append(f"about {_duration(self.left_s)} left")
        if self.state.evaluation in ("done", "failed"):
            parts.append(f"evaluation {self.state.evaluation}")
        return " | ".join(parts)


class Watcher:
    """Looks at one run repeatedly and knows its rate."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._reader = ProgressReader(store, run_id)
        self._manifest = load_manifest(store, run_id)
        self._shelf = BatchShelf(store, run_id)
        self._seen: deque[tuple[float, int]] = deque()

    def look(self) -> View:
        """The run now."""
        state, progress = load_state(self._store, self._run_id), self._reader.read()
        now_s = time.monotonic()
        self._seen.append((now_s, progress.n_ended))
        while now_s - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        (then_s, before), (_, after) = self._seen[0], self._seen[-1]
        rate = (after - before) / (now_s - then_s) if now_s > then_s else 0.0
        left = (progress.n_requests - progress.n_settled) / rate if rate > 0 and state.is_active else None
        return View(state, progress, rate, _quota_share(self._manifest, rate), left, batches=self._shelf.ledgers())


def _quota_share(manifest: RunManifest, rate_per_s: float) -> float | None:
    pools = {d.pool_name: d.rpm for m in manifest.models.values() for d in m.deployments}
    total = sum(pools.values())
    return rate_per_s * 60 / total if total else None


def follow(store: Store, run_id: str, redis_url: str) -> View:
    """Show a run until it is no longer running.

    Raises:
        EnvironmentFailureError: workers cannot write to the store.
    """
    watcher, pause = Watcher(store, run_id), threading.Event()
    own = store.is_local and redis_url == socket_url(store)
    helper = _Helper(store, run_id, redis_url, NO_WORKER_YET if own else None)
    shown_s = 0.0
    live = Live(console=err, transient=True, auto_refresh=False) if err.is_terminal else None
    if live is not None:
        live.start()
    try:
        while True:
            view = watcher.look()
            if live is not None:
                live.update(Text(view.line()), refresh=True)
            elif time.monotonic() - shown_s > PLAIN_EVERY_S:
                shown_s = time.monotonic()
                err.print(view.line(), markup=False)
            if not view.state.is_active:
                return view
            helper.look()
            pause.wait(POLL_S)
    finally:
        if live is not None:
            live.stop()


class _Helper:
    """Tells what the store cannot: nobody works, or workers cannot write."""

    def __init__(self, store: Store, run_id: str, redis_url: str, alone_note: str | None) -> None:
        self._store = store
        self._known: str | None = None
        self._run_id = run_id
        self._url = redis_url
        self._alone_note = alone_note
        self._redis = connection.plain(redis_url)
        self._alone_since_s: float | None = None
        self._said = False
        self._noticed: set[str] = set()

    def look(self) -> None:
        """Raises EnvironmentFailureError on trouble; says once that no worker listens."""
        try:
            trouble = self._redis.get(wire.run_trouble(self._run_id))
            alone = nobody_note(self._redis, self._identity)
        except (RedisError, OSError):
            return
        if trouble is not None:
            with suppress(RedisError):  # a full disk may be its server's, too
                self._redis.delete(wire.run_trouble(self._run_id))
            text = trouble.decode() if isinstance(trouble, bytes) else str(trouble)
            raise EnvironmentFailureError(text, hint=f"Then `nightpoll resume {self._run_id}` goes on.")
        if connection.cannot_write(self._redis):
            hint = f"Free some space, then `nightpoll resume {self._run_id}` goes on."
            raise EnvironmentFailureError(connection.NO_SPACE, hint=hint)
        for notice in notices(self._url, self._run_id):
            if notice not in self._noticed:
                self._noticed.add(notice)
                err.print(notice, markup=False)
        now_s = time.monotonic()
        if alone is None or self._alone_since_s is None:
            self._alone_since_s = None if alone is None else now_s
        waited_s = 0.0 if self._alone_since_s is None else now_s - self._alone_since_s
        if alone is not None and waited_s > NO_WORKER_NOTE_S and not self._said:
            self._said = True
            err.print(alone if self._alone_note is None else self._alone_note, markup=False)

    def _identity(self) -> str | None:
        """Of the store; looked for until it has one."""
        if self._known is None:
            self._known = known_identity(self._store)
        return self._known


def notices(redis_url: str, run_id: str) -> tuple[str, ...]:
    """What services say that slows the run down, a sentence a quota pool; nothing if the server does not answer."""
    try:
        with connection.plain(redis_url) as client:
            said = client.hgetall(wire.run_notices(run_id))
    except (RedisError, OSError):
        return ()
    return tuple(sentence.decode() for _, sentence in sorted(said.items()))


def exit_code_of(state: RunState) -> int:
    """What a command that followed a run returns."""
    return int(ExitCode.ENVIRONMENT) if state.phase == "paused" else state.exit_code


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
