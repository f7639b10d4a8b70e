"""The embedded server and its supervisor, driven by the real command in real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from schemas import run_paths
from storage.runs import load_state
from storage.store import Store
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.studies import write_study
from tests.support.until import until
from workers.embedded import supervisor_state

pytestmark = pytest.mark.e2e
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


@pytest.fixture
def terminal(tmp_path) -> Iterator[Terminal]:
    with running_emulator(latency={"median_s": 0.2, "sigma": 0.3}) as emulator:
        terminal = Terminal(tmp_path, emulator)
        yield terminal
        until(lambda: terminal.processes() == [], deadline_s=60, what="the end of supervisor, server and workers")


def until_bought(terminal: Terminal, n: int) -> None:
    until(lambda: terminal.emulator.purchases()["total"] >= n, deadline_s=60, what=f"{n} purchases")


def test_run_ends_in_predictions_and_leaves_nothing_running(terminal):
    done = terminal.run("run", terminal.study(n_respondents=20), "--yes", "--run-id", "r")

    assert done.returncode == 0, done.stderr
    path = terminal.store.path(run_paths.predictions("r"))
    assert done.stdout.rstrip().endswith(str(path))
    until(lambda: terminal.processes() == [], deadline_s=60, what="nothing left running")


def test_detached_run_is_seen_and_cancelled_from_another_process(terminal):
    study = terminal.study(n_respondents=200, rpm=900)
    assert terminal.run("run", study, "--yes", "--run-id", "r", "--detach").returncode == 0
    until_bought(terminal, 5)

    seen = json.loads(terminal.run("status", "r", "--json").stdout)
    cancelled = terminal.run("cancel", "r")

    assert seen["state"] == "running"
    assert seen["requests"] == 400
    assert cancelled.returncode == 0
    assert terminal.phase() == "cancelled"
    assert terminal.run("resume", "r").returncode == 2


def test_run_goes_on_when_its_command_is_killed(terminal):
    command = terminal.start("run", terminal.study(n_respondents=60), "--yes", "--run-id", "r")
    until_bought(terminal, 20)

    command.kill()
    command.communicate()

    until(lambda: terminal.phase() == "finished", deadline_s=90, what="the end of the run")
    assert terminal.emulator.purchases()["repeated"] == 0


def test_ctrl_c_pauses_and_resume_finishes(terminal):
    command = terminal.start("run", terminal.study(n_respondents=60), "--yes", "--run-id", "r")
    until_bought(terminal, 20)

    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=30)

    assert command.returncode == 130
    assert "nightpoll resume r" in err
    assert terminal.phase() == "paused"
    assert terminal.run("resume", "r").returncode == 0
    assert terminal.emulator.purchases()["repeated"] == 0


def test_resume_finishes_after_the_supervisor_was_killed(terminal):
    terminal.run("run", terminal.study(n_respondents=100), "--yes", "--run-id", "r", "--detach")
    until_bought(terminal, 20)
    state = supervisor_state(terminal.store)

    os.kill(state["pid"], signal.SIGKILL)
    resumed = terminal.run("resume", "r")

    assert resumed.returncode == 0, resumed.stderr
    assert terminal.phase() == "finished"
    assert not psutil.pid_exists(state["server"]) or psutil.Process(state["server"]).status() == "zombie"
    assert terminal.emulator.purchases()["repeated"] == 0


def test_two_starters_make_one_server(terminal):
    study = terminal.study(n_respondents=20)
    commands = [terminal.start("run", study, "--yes", "--run-id", f"r{i}") for i in range(2)]
    ends = [(c.communicate(timeout=120), c.returncode) for c in commands]

    log = terminal.store.path(".nightpoll/server/server.log").read_text()

    assert [code for _, code in ends] == [0, 0]
    assert log.count("Ready to accept connections") == 1


def test_two_commands_with_one_run_id_make_one_run(terminal):
    study = terminal.study(n_respondents=150, rpm=900)
    first = terminal.start("run", study, "--yes", "--run-id", "r")
    until_bought(terminal, 5)

    second = terminal.run("run", study, "--yes", "--run-id", "r")
    resumed = terminal.run("resume", "r")
    first.communicate(timeout=120)

    assert second.returncode == 7
    assert resumed.returncode == 7
    assert first.returncode == 0
    assert terminal.emulator.purchases()["repeated"] == 0


def test_wrong_key_costs_a_few_calls_and_exits_5(tmp_path):
    with running_emulator(keys=["right"]) as emulator:
        terminal = Terminal(tmp_path, emulator)
        terminal.environ["SOME_KEY"] = "wrong"
        study = terminal.study(n_respondents=200, key_env="SOME_KEY")

        refused = terminal.run("run", study, "--yes", "--run-id", "r")

        assert refused.returncode == 5, refused.stderr
        assert "401" in refused.stderr or "key" in refused.stderr.lower()
        assert "wrong" not in refused.stderr.replace("wrong_input", "")
        assert emulator.stats()["arrived"] <= 20
        terminal.environ["SOME_KEY"] = "right"
        until(lambda: terminal.processes() == [], deadline_s=60, what="the end of the supervisor")
        assert terminal.run("resume", "r").returncode == 0
        until(lambda: terminal.processes() == [], deadline_s=60, what="the end of the supervisor")


def test_endpoint_that_is_down_exits_6_and_says_how_to_go_on(tmp_path):
    with running_emulator() as emulator:
        base_url = emulator.base_url
    terminal = Terminal(tmp_path, emulator)
    study = str(write_study(tmp_path / "study", base_url, n_respondents=20))

    failed = terminal.run("run", study, "--yes", "--run-id", "r")

    assert failed.returncode == 6, failed.stderr
    assert "nightpoll resume r" in failed.stderr
    assert "Traceback" not in failed.stderr
    until(lambda: terminal.processes() == [], deadline_s=60, what="the end of the supervisor")
