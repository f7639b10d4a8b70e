"""A run with everything real: emulator, private server, worker processes. Things can be killed one by one."""

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cli.opening import checked_study, open_planned, plan_into_staging
from schemas import run_paths
from schemas.settings import Settings
from storage.parts import landed_units, read_part
from storage.runs import append_event, load_state
from storage.store import Store, open_store
from tests.support import forks
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.forks import ForkedWorker
from tests.support.stepped_clock import SteppedClock
from tests.support.studies import write_study
from tests.support.until import until
from tests.support.valkey import PrivateServer
from workers import connection
from workers.shards import locks


@dataclass
class Fleet:
    """One store, one server, some workers."""

    folder: Path
    emulator: TestEmulator
    server: PrivateServer
    store: Store
    environ: dict[str, str]
    workers: list[ForkedWorker] = field(default_factory=list)
    without: Sequence[str] = ()
    server_clock: SteppedClock | None = None

    def open(self, study: Path, *, run_id: str = "run", pilot: int | None = None) -> str:
        """Plan and open a run, as `run --detach` does."""
        checked = checked_study(study, Settings(store=self.store.uri), self.environ)
        planned = plan_into_staging(self.store, checked, run_id=run_id, pilot=pilot)
        open_planned(self.store, planned, fresh=False, detached=True)
        return run_id

    def start_worker(self, **settings: object) -> ForkedWorker:
        """A real worker process; `without` takes protections out of it (see `tests.support.sabotage`)."""
        env = os.environ | self.environ | {f"NIGHTPOLL_{k.upper()}": str(v) for k, v in settings.items()}
        worker = forks.origin.start(self.without, env, self.folder / "workers.log")
        self.workers.append(worker)
        return worker

    def start_stepped_worker(self, clock: SteppedClock) -> None:
        """A worker with a clock of its own, which a forked one cannot have."""
        env = os.environ | self.environ | clock.environ
        command = [sys.executable, "-m", "tests.support.sabotage"]
        with (self.folder / "workers.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=env, cwd=forks.REPO, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.workers.append(process)

    def kill(self, worker: ForkedWorker, how: int = signal.SIGKILL) -> int:
        """End a worker by a signal; returns the calls that were open at that moment.

        On a busy machine answers that the emulator has sent wait for the worker, and calls go out between a look and
        the signal: for a kill or a stop the worker is stopped first, and its own journals are counted, too.
        """
        if how in (signal.SIGKILL, signal.SIGSTOP):
            worker.send_signal(signal.SIGSTOP)
        n_open = max(int(self.emulator.purchases()["open"]), self._open_in_journals(worker))
        worker.send_signal(how)
        if how == signal.SIGKILL:
            worker.wait(10)
            self.workers.remove(worker)
        return n_open

    def _open_in_journals(self, worker: ForkedWorker) -> int:
        """Intents without an ending in the journals that this process has open; at most its bound on open calls."""
        lines = [line for path in worker.open_files() if "/journal/" in path for line in _lines(path)]
        intents, endings = (sum(line.startswith(start) for line in lines for start in starts) for starts in _KINDS)
        return max(0, min(intents - endings, int(self.environ["NIGHTPOLL_IN_FLIGHT"])))

    def mend(self) -> None:
        """Start another worker for each that ended by itself, as a supervisor or compose does.

        Celery ends a process whose acknowledgement meets a server that is just being killed.
        """
        for worker in [worker for worker in self.workers if not worker.is_running()]:
            self.workers.remove(worker)
            self.start_worker()

    def until_bought(self, n: int, deadline_s: float = 60) -> None:
        """Wait until the emulator sold at least so many answers."""
        until(lambda: self.emulator.purchases()["total"] >= n, deadline_s=deadline_s, what=f"{n} purchases")

    def until_finished(self, run_id: str = "run", deadline_s: float = 120) -> None:
        """Wait until the run has ended."""
        until(
            lambda: load_state(self.store, run_id).phase not in ("running", "planned"),
            deadline_s=deadline_s, interval_s=0.2, what="the end of the run",
        )  # fmt: skip

    def bought_twice(self) -> int:
        """Answers bought again: purchases beyond one per request."""
        bought = Counter(self.emulator.purchases()["by_id"])
        return sum(n - 1 for n in bought.values() if n > 1)

    def rows(self, run_id: str = "run") -> list[dict[str, Any]]:
        """predictions.parquet."""
        rows: list[dict[str, Any]] = pq.read_table(self.store.path(run_paths.predictions(run_id))).to_pylist()
        return rows

    def parts(self, run_id: str = "run") -> list[dict[str, Any]]:
        """Rows of all parts."""
        return [r for u in landed_units(self.store, run_id) for r in read_part(self.store, run_id, u).to_pylist()]

    def event(self, kind: Any, run_id: str = "run", data: dict[str, Any] | None = None) -> None:
        """Say something about the run."""
        append_event(self.store, run_id, kind, data)

    def set_key(self, name: str, value: str) -> None:
        """Give all workers a key: they are started again."""
        self.environ[name] = value
        for worker in list(self.workers):
            worker.terminate()
            worker.wait(20)
            self.workers.remove(worker)
            self.start_worker()

    def log_text(self) -> str:
        """What the workers said."""
        return (self.folder / "workers.log").read_text("utf-8")


_KINDS = (('{"k":"i"',), ('{"k": "a"', '{"k": "e"'))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []  # landed in this moment


@contextmanager
def running_fleet(
    *,
    n_workers: int = 2,
    without: Sequence[str] = (),
    emulator: dict[str, Any] | None = None,
    vouch: bool = True,
    stepped: bool = False,
) -> Iterator[Fleet]:
    """A fleet that is gone at the end, whatever happened to it. `stepped`: its server's clock can be set."""
    options: dict[str, Any] = {"latency": {"median_s": 0.2, "sigma": 0.3}} if emulator is None else emulator
    with tempfile.TemporaryDirectory(prefix="np-", dir="/tmp") as name, running_emulator(**options) as shop:
        folder = Path(name)
        clock = SteppedClock(folder) if stepped else None
        server = PrivateServer(folder, environ=None if clock is None else clock.environ)
        server.start()
        if vouch:
            locks.vouch(connection.plain(server.url))
        store = open_store(str(folder / "runs"))
        environ = {"NIGHTPOLL_STORE": str(store.root), "NIGHTPOLL_REDIS_URL": server.url, "NIGHTPOLL_SLOTS": "2"}
        environ |= {"NIGHTPOLL_LOG_LEVEL": "INFO", "NIGHTPOLL_IN_FLIGHT": "16", "NIGHTPOLL_DRAIN_S": "10"}
        fleet = Fleet(folder, shop, server, store, environ, without=without, server_clock=clock)
        try:
            for _ in range(n_workers):
                fleet.start_worker()
            yield fleet
        finally:
            _end(fleet)


def _end(fleet: Fleet) -> None:
    for worker in fleet.workers:
        worker.send_signal(signal.SIGCONT)
        worker.terminate()
    for worker in fleet.workers:
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    fleet.server.stop()


def study_of(fleet: Fleet, **options: Any) -> Path:
    """A small study against the fleet's emulator."""
    return write_study(fleet.folder / "study", fleet.emulator.base_url, **options)
