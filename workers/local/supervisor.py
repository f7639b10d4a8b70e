"""The supervisor: one per local store, owns the embedded server and the local workers.

Single by an flock that dies with it; the server inherits its own lock, so two starters never make two servers. It
ends `linger_s` after the last client, unless a run is still going or the overnight queue has an open entry. Children
end when it dies.
"""

import ctypes
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from types import FrameType

from schemas.errors import BrokerError, ExitCode, NightpollError
from schemas.run_paths import PRIVATE
from schemas.settings import Settings
from storage.runs import list_run_ids, load_state
from storage.store import Store, open_store
from workers.batch.ledger import open_batches
from workers.connection import plain
from workers.local.embedded import SUPERVISOR_JSON, clients_dir, fingerprints, supervisor_lock
from workers.local.file_locks import FileLock, is_held
from workers.local.server import server_dir, socket_url, start_server
from workers.logs import configure_logging
from workers.nights.entries import has_open_entries
from workers.shards import locks

log = logging.getLogger(__name__)

POLL_S = 0.25
RUNS_POLL_S = 2.0
OLD_SERVER_ENDS_WITHIN_S = 20.0
RESTART_PAUSE_S = 1.0
_PR_SET_PDEATHSIG = 1


class Supervisor:
    """Keeps server and workers alive while somebody needs them."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._ending = threading.Event()
        self._server: subprocess.Popen[bytes] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []
        self._needed_s = time.monotonic()
        self._runs_seen_s = 0.0
        self._run_is_active = False
        self._server_lock = FileLock(server_dir(store) / "server.lock")
        self._worker_lock = FileLock(store.path(f"{PRIVATE}/workers.lock"))

    def run(self) -> ExitCode:
        """Until nobody needs it or a signal comes."""
        self._take_server_lock()
        no_worker_lives = self._worker_lock.try_exclusive()
        self._server = self._start_server()
        if no_worker_lives:
            locks.vouch(plain(socket_url(self._store)))
        self._worker_lock.try_shared()
        try:
            for _ in range(self._settings.workers):
                self._workers.append(self._start_worker())
            self._write_state()
            while not self._ending.wait(POLL_S) and self._is_needed():
                self._mend()
        finally:
            self._end_children()
        return ExitCode.DONE

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        """Signal handler."""
        self._ending.set()

    def _take_server_lock(self) -> None:
        deadline_s = time.monotonic() + OLD_SERVER_ENDS_WITHIN_S
        while not self._server_lock.try_exclusive():
            if self._ending.wait(POLL_S) or time.monotonic() > deadline_s:
                raise BrokerError("another server of this store does not end.", where=str(self._server_lock.path))

    def _start_server(self) -> subprocess.Popen[bytes]:
        return start_server(self._store, pass_fds=(self._server_lock.fd,), preexec=_die_with_parent)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        env = os.environ | {"NIGHTPOLL_REDIS_URL": socket_url(self._store)}
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "workers.process", str(os.getpid())], env=env, stdin=subprocess.DEVNULL,
            pass_fds=(self._worker_lock.fd,), preexec_fn=_die_with_parent,  # noqa: PLW1509
        )  # fmt: skip

    def _write_state(self) -> None:
        salt = secrets.token_bytes(16)
        state = {
            "pid": os.getpid(),
            "started_at": datetime.now(UTC).isoformat(),
            "environment": fingerprints(os.environ, salt),
            "salt": salt.hex(),
            "workers": [w.pid for w in self._workers],
            "server": None if self._server is None else self._server.pid,
        }
        with self._store.writing(SUPERVISOR_JSON, mode=0o600) as scratch:
            scratch.write_bytes(json.dumps(state).encode())

    def _mend(self) -> None:
        changed = False
        if self._server is not None and self._server.poll() is not None:
            log.warning("server ended, starting it again", extra={"event": "server_restarted"})
            self._server, changed = self._start_server(), True
        for i, worker in enumerate(self._workers):
            if worker.poll() is not None and not self._ending.wait(RESTART_PAUSE_S):
                log.warning("worker ended, starting another", extra={"event": "worker_restarted"})
                self._workers[i], changed = self._start_worker(), True
        if changed:
            self._write_state()

    def _is_needed(self) -> bool:
        now_s = time.monotonic()
        if self._has_clients() or self._has_active_run(now_s):
            self._needed_s = now_s
        return now_s - self._needed_s < self._settings.linger_s

    def _has_clients(self) -> bool:
        folder = clients_dir(self._store)
        clients = [c for c in folder.iterdir() if not c.name.startswith(".")] if folder.exists() else []
        alive = [c for c in clients if is_held(c)]
        for dead in set(clients) - set(alive):
            dead.unlink(missing_ok=True)
        return bool(alive)

    def _has_active_run(self, now_s: float) -> bool:
        if now_s - self._runs_seen_s > RUNS_POLL_S:
            self._runs_seen_s = now_s
            runs = list_run_ids(self._store)
            self._run_is_active = _waits_for_night(self._store) or any(_is_active(self._store, r) for r in runs)
        return self._run_is_active

    def _end_children(self) -> None:
        self._store.path(SUPERVISOR_JSON).unlink(missing_ok=True)
        for worker in self._workers:
            _terminate(worker)
        for worker in self._workers:
            _wait(worker, self._settings.drain_s + 10)
        if self._server is not None:
            _terminate(self._server)
            _wait(self._server, 10)


def _is_active(store: Store, run_id: str) -> bool:
    try:
        state = load_state(store, run_id)
        return state.is_active or state.is_to_evaluate or bool(open_batches(store, run_id))
    except NightpollError:
        return False


def _waits_for_night(store: Store) -> bool:
    try:
        return has_open_entries(store)
    except NightpollError:
        return False


def _die_with_parent() -> None:
    """In the child: end when the supervisor is gone, a kill -9 included (Linux; elsewhere workers watch it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _terminate(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> int:
    """Entry point: the store comes from the environment."""
    settings = Settings()
    configure_logging(settings)
    store = open_store(settings.store, settings.cache)
    single = FileLock(supervisor_lock(store))
    if not single.try_exclusive():
        return int(ExitCode.DONE)  # somebody was faster
    store.path(SUPERVISOR_JSON).unlink(missing_ok=True)
    supervisor = Supervisor(store, settings)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, supervisor.end)
    try:
        return int(supervisor.run())
    except NightpollError as error:
        log.error("%s", error, extra={"event": "supervisor_failed", "code": error.code})
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
