"""An engine to be measured: a private server, a store, real worker processes, and what each of them used."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from schemas import run_paths, wire
from storage.runs import load_manifest, load_state
from storage.store import Store, open_store
from workers import connection
from workers.local.server import socket_url, start_server
from workers.shards import locks

REPO = Path(__file__).resolve().parent.parent
STARTS_WITHIN_S = 60.0
POLL_S = 0.05


@dataclass(frozen=True)
class Cpu:
    """Seconds of processor time, user and system, children included."""

    workers_s: float
    redis_s: float

    @property
    def total_s(self) -> float:
        """Of everything."""
        return self.workers_s + self.redis_s

    def __sub__(self, earlier: "Cpu") -> "Cpu":
        return Cpu(self.workers_s - earlier.workers_s, self.redis_s - earlier.redis_s)


@dataclass
class Rig:
    """One store, one server, some workers."""

    folder: Path
    store: Store
    server: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_workers(self, n: int, **settings: object) -> None:
        """Start worker processes and wait until all of them beat."""
        env = os.environ | {"NIGHTPOLL_STORE": str(self.store.root), "NIGHTPOLL_REDIS_URL": socket_url(self.store)}
        env |= {f"NIGHTPOLL_{name.upper()}": str(value) for name, value in settings.items()}
        with (self.folder / "workers.log").open("ab") as log:
            for _ in range(n):
                command = [sys.executable, "-m", "workers.process"]
                process = subprocess.Popen(command, env=env, cwd=REPO, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                self.workers.append(process)
        redis = connection.plain(socket_url(self.store))
        self._until(lambda: redis.zcard(wire.live_workers()) >= len(self.workers), STARTS_WITHIN_S, "the workers")

    def stop_workers(self) -> None:
        """End all of them, whatever they are doing."""
        for worker in self.workers:
            worker.send_signal(signal.SIGKILL)
        for worker in self.workers:
            worker.wait(10)
        self.workers.clear()

    def cpu(self) -> Cpu:
        """Used so far."""
        return Cpu(sum(cpu_s(worker.pid) for worker in self.workers), cpu_s(self.server.pid))

    def worker_rss_mb(self) -> list[float]:
        """Resident memory of each worker."""
        return [psutil.Process(worker.pid).memory_info().rss / 2**20 for worker in self.workers]

    def redis_memory_mb(self) -> tuple[float, float]:
        """Redis' used_memory now and at its peak."""
        info = connection.plain(socket_url(self.store)).info("memory")
        return info["used_memory"] / 2**20, info["used_memory_peak"] / 2**20

    def n_landed_units(self, run_id: str) -> int:
        """Parts of a run."""
        return len(self.store.names(run_paths.responses_dir(run_id)))

    def until_landed(self, run_id: str, deadline_s: float) -> None:
        """Wait until every shard has its part."""
        n_shards = load_manifest(self.store, run_id).totals.n_shards
        self._until(lambda: self.n_landed_units(run_id) >= n_shards, deadline_s, f"the parts of {run_id}")

    def until_finished(self, run_id: str, deadline_s: float) -> None:
        """Wait until the run is compacted."""
        ended = ("finished", "stopped", "cancelled")
        self._until(lambda: load_state(self.store, run_id).phase in ended, deadline_s, f"the end of {run_id}")
        phase = load_state(self.store, run_id).phase
        if phase != "finished":
            raise RuntimeError(f"run {run_id} is {phase}: {load_state(self.store, run_id).reason}")

    def _until(self, condition: Callable[[], bool], deadline_s: float, what: str) -> None:
        def ended() -> bool:
            if any(worker.poll() is not None for worker in self.workers):
                raise RuntimeError(f"a worker ended:\n{(self.folder / 'workers.log').read_text()[-2000:]}")
            return condition()

        wait_until(ended, deadline_s, what)


@contextmanager
def running_rig() -> Iterator[Rig]:
    """A rig whose processes and files are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="np-bench-", dir="/tmp") as name:
        folder = Path(name)
        store = open_store(str(folder / "runs"))
        server = start_server(store)
        locks.vouch(connection.plain(socket_url(store)))
        rig = Rig(folder, store, server)
        try:
            yield rig
        finally:
            rig.stop_workers()
            server.terminate()
            server.wait(10)


def cpu_s(pid: int) -> float:
    """Processor time of a process and its ended children, in seconds."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system + used.children_user + used.children_system)


def wait_until(condition: Callable[[], bool], deadline_s: float, what: str) -> None:
    """Ask again and again; TimeoutError after the deadline."""
    ends_s = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > ends_s:
            raise TimeoutError(f"{what} did not come within {deadline_s:.0f} s")
        pause(POLL_S)


def pause(seconds: float) -> None:
    """Let the measured processes go on."""
    threading.Event().wait(seconds)
