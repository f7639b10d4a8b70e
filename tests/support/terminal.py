"""A user's terminal: the real command in real processes, one store, an emulator for a service."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from storage.runs import load_state
from storage.store import Store
from tests.support.emulator import TestEmulator
from tests.support.studies import write_study
from tests.support.until import until
from workers.local.embedded import supervisor_state

REPO = Path(__file__).resolve().parents[2]
LINGER_S = 2


class Terminal:
    """A user's terminal: one store, the command, an emulator for a service."""

    def __init__(self, folder: Path, emulator: TestEmulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.store = Store(folder / "runs")
        self.environ = os.environ | {
            "NIGHTPOLL_STORE": str(self.store.root),
            "NIGHTPOLL_LINGER_S": str(LINGER_S),
            "NIGHTPOLL_IN_FLIGHT": "8",
            "PYTHONPATH": str(REPO),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        command = [sys.executable, "-m", "cli.main", *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environ, cwd=self.folder, text=True, **pipes)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=150)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def study(self, **options) -> str:
        """A small study at 20 requests a second, so that there is a middle of the run to interfere with."""
        options = {"rpm": 1200} | options
        return str(write_study(self.folder / "study", self.emulator.base_url, **options))

    def phase(self, run_id: str = "r") -> str:
        """State of a run."""
        return load_state(self.store, run_id).phase

    def processes(self) -> list[psutil.Process]:
        """Supervisor, server and workers that are alive."""
        state = supervisor_state(self.store)
        pids = [] if state is None else [state["pid"], state["server"], *state["workers"]]
        return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]

    def until_bought(self, n: int) -> None:
        """Wait until the emulator sold at least so many answers."""
        until(lambda: self.emulator.purchases()["total"] >= n, deadline_s=60, what=f"{n} purchases")

    def until_nothing_runs(self) -> None:
        """Wait until supervisor, server and workers have ended."""
        until(lambda: self.processes() == [], deadline_s=60, what="the end of supervisor, server and workers")
