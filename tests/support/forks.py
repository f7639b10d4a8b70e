"""Worker processes without paying for their imports each time: one process imports, and forks for every start.

A start costs 3 to 5 s of CPU, nearly all of it imports, and the fault tests start and kill workers by the hundred.
A forked worker is a process of its own like any other; the services of the compose file and the local workers of a
supervisor are started by their own commands in the tests of these.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

REPO = Path(__file__).resolve().parents[2]


class ForkedWorker:
    """What tests need of subprocess.Popen, for a process that is not our child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._process = psutil.Process(pid)

    def send_signal(self, number: int) -> None:
        """Nothing happens if it has ended."""
        try:
            self._process.send_signal(number)
        except psutil.NoSuchProcess:
            return

    def is_running(self) -> bool:
        """It has not ended."""
        return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE

    def children(self) -> list[psutil.Process]:
        """Processes it started."""
        return self._process.children()

    def open_files(self) -> list[str]:
        """Paths of the files it has open."""
        try:
            return [file.path for file in self._process.open_files()]
        except psutil.NoSuchProcess:
            return []

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> None:
        """Until it has ended.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        try:
            self._process.wait(timeout)
        except psutil.TimeoutExpired:
            raise subprocess.TimeoutExpired("worker", timeout or 0.0) from None


class Origin:
    """The process that forks; begun with the first start, at most one per test process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, without: Sequence[str], env: Mapping[str, str], log: Path) -> ForkedWorker:
        """A worker process with exactly this environment; `without`: see `tests.support.sabotage`."""
        if self._process is None:
            command = [sys.executable, "-m", "tests.support.forks"]
            self._process = subprocess.Popen(command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"without": list(without), "env": dict(env), "log": str(log)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return ForkedWorker(int(self._process.stdout.readline()))

    def end(self) -> None:
        """It ends; what it started goes on."""
        if self._process is not None:
            self._process.communicate(timeout=10)
            self._process = None


origin = Origin()


def _serve() -> None:
    from tests.support import sabotage

    sabotage.process.warm_up()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    for line in sys.stdin.buffer:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order)
            sabotage.run(*order["without"])
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(order: dict) -> None:
    for number in (signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["env"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


if __name__ == "__main__":
    _serve()
