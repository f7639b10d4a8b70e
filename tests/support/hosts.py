"""Several hosts of one cluster on this machine: each has its own copies, its own workers, its own way to the others.

They share nothing but Redis and the object store, and reach both through proxies of their own.
"""

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from storage.parts import landed_units
from storage.store import open_store
from tests.support import forks
from tests.support.emulator import running_emulator
from tests.support.fleet import Fleet, _end
from tests.support.forks import ForkedWorker
from tests.support.object_services import ObjectService
from tests.support.partitions import TcpProxy
from tests.support.ports import free_port
from tests.support.valkey import PrivateServer
from workers import connection
from workers.shards import locks
from workers.shards.journal import read_journals


@dataclass
class Host:
    """One machine."""

    name: str
    proxies: Sequence[TcpProxy]
    environ: dict[str, str]
    workers: list[ForkedWorker] = field(default_factory=list)

    def cut(self) -> None:
        """Nothing reaches Redis or the store from here."""
        for proxy in self.proxies:
            proxy.cut()

    def mend(self) -> None:
        """All is as before."""
        for proxy in self.proxies:
            proxy.mend()


@dataclass
class Cluster(Fleet):
    """A fleet whose workers live on hosts."""

    hosts: list[Host] = field(default_factory=list)

    def start_on(self, host: Host) -> ForkedWorker:
        """A worker process on a host."""
        worker = forks.origin.start(self.without, os.environ | host.environ, self.folder / f"{host.name}.log")
        host.workers.append(worker)
        self.workers.append(worker)
        return worker

    def kill_host(self, host: Host) -> None:
        """All its processes at once; its copies are lost with it."""
        for worker in host.workers:
            worker.send_signal(signal.SIGKILL)
        for worker in host.workers:
            worker.wait(10)
            self.workers.remove(worker)
        host.workers.clear()

    def in_doubt(self, run_id: str = "run") -> int:
        """Calls that are announced in the store without an end: all that may be bought a second time after a loss."""
        landed = landed_units(self.store, run_id)
        names = self.store.names(run_paths.journal_dir(run_id))
        units = {run_paths.unit_of_journal(name) for name in names} - landed
        return sum(read_journals(self.store, run_id, unit).lost.total() for unit in units)

    def unflushed(self, run_id: str = "run") -> int:
        """Calls that are open at the service, or answered by it and not in the store."""
        bought = self.emulator.purchases()
        landed = {row["request_id"] for row in self.parts(run_id)}
        names = self.store.names(run_paths.journal_dir(run_id))
        for unit in {run_paths.unit_of_journal(name) for name in names}:
            landed |= {call.rpartition(".")[0] for call in read_journals(self.store, run_id, unit).answers}
        return int(bought["open"]) + sum(call.rpartition(".")[0] not in landed for call in bought["by_id"])

    def rows(self, run_id: str = "run") -> list[dict[str, Any]]:
        """predictions.parquet."""
        rows: list[dict[str, Any]] = pq.read_table(self.store.fetched(run_paths.predictions(run_id))).to_pylist()
        return rows


@contextmanager
def running_cluster(
    service: ObjectService, *, n_hosts: int = 2, without: Sequence[str] = (), emulator: dict[str, Any] | None = None
) -> Iterator[Cluster]:
    """Hosts with one worker each; the test itself reaches everything directly."""
    options: dict[str, Any] = {"latency": {"median_s": 0.2, "sigma": 0.3}} if emulator is None else emulator
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="np-", dir="/tmp")))
        shop = stack.enter_context(running_emulator(**options))
        server = PrivateServer(folder, port=free_port())
        server.start()
        locks.vouch(connection.plain(server.url))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        common = {"NIGHTPOLL_STORE": f"{service.uri}/{folder.name}", "NIGHTPOLL_SLOTS": "2", "NIGHTPOLL_DRAIN_S": "10"}
        common |= {"NIGHTPOLL_LOG_LEVEL": "INFO", "NIGHTPOLL_IN_FLIGHT": "16"}
        here = common | service.environ() | {"NIGHTPOLL_REDIS_URL": server.url}
        here |= {"NIGHTPOLL_CACHE": str(folder / "here")}
        for name, value in here.items():
            patch.setenv(name, value)
        store = open_store(common["NIGHTPOLL_STORE"], folder / "here")
        cluster = Cluster(folder, shop, server, store, here, without=without)
        try:
            for number in range(n_hosts):
                redis, objects = (stack.enter_context(TcpProxy(port)) for port in (server.port, service.port))
                environ = common | service.environ(objects.port)
                environ |= {"NIGHTPOLL_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"}
                environ |= {"NIGHTPOLL_CACHE": str(folder / f"host{number}")}
                cluster.hosts.append(Host(f"host{number}", (redis, objects), environ))
                cluster.start_on(cluster.hosts[-1])
            yield cluster
        finally:
            for host in cluster.hosts:
                host.mend()
            _end(cluster)
