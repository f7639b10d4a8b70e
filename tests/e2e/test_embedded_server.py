"""The embedded server and its supervisor, started by the real command."""

import os
import signal

import psutil
import pytest

from schemas import run_paths
from storage.parts import read_table
from tests.support.emulator import running_emulator
from tests.support.small_disk import fill, small_disk
from tests.support.terminal import Terminal
from tests.support.until import until
from workers.local.embedded import supervisor_state

pytestmark = pytest.mark.e2e


def test_run_ends_in_predictions_and_leaves_nothing_running(terminal):
    done = terminal.run("run", terminal.study(n_respondents=20), "--yes", "--run-id", "r")

    assert done.returncode == 0, done.stderr
    path = terminal.store.path(run_paths.predictions("r"))
    assert done.stdout.rstrip().endswith(str(path))
    terminal.until_nothing_runs()


def test_two_starters_make_one_server(terminal):
    study = terminal.study(n_respondents=20)
    commands = [terminal.start("run", study, "--yes", "--run-id", f"r{i}") for i in range(2)]
    ends = [(c.communicate(timeout=120), c.returncode) for c in commands]

    log = terminal.store.path(".nightpoll/server/server.log").read_text()

    assert [code for _, code in ends] == [0, 0]
    assert log.count("Ready to accept connections") == 1


def test_resume_finishes_after_the_supervisor_was_killed(terminal):
    terminal.run("run", terminal.study(n_respondents=100), "--yes", "--run-id", "r", "--detach")
    terminal.until_bought(20)
    state = supervisor_state(terminal.store)

    os.kill(state["pid"], signal.SIGKILL)
    resumed = terminal.run("resume", "r")

    assert resumed.returncode == 0, resumed.stderr
    assert terminal.phase() == "finished"
    assert not psutil.pid_exists(state["server"]) or psutil.Process(state["server"]).status() == "zombie"
    assert terminal.emulator.purchases()["repeated"] == 0


def test_mended_key_is_used_by_resume_though_workers_with_the_old_one_linger(tmp_path):
    with running_emulator(keys=["sk-right"]) as emulator:
        terminal = Terminal(tmp_path, emulator)
        terminal.environ |= {"NIGHTPOLL_LINGER_S": "300", "MY_KEY": "sk-wrong"}
        study = terminal.study(n_respondents=12, key_env="MY_KEY")

        refused = terminal.run("run", study, "--yes", "--run-id", "r")
        written = terminal.store.path(".nightpoll/supervisor.json").read_text()
        terminal.environ["MY_KEY"] = "sk-right"
        resumed = terminal.run("resume", "r")
        os.kill(supervisor_state(terminal.store)["pid"], signal.SIGTERM)
        terminal.until_nothing_runs()

    assert (refused.returncode, resumed.returncode) == (5, 0), resumed.stderr
    assert terminal.phase() == "finished"
    assert "sk-wrong" not in written


def test_disk_that_is_full_under_store_and_server_is_told_and_resume_goes_on(terminal):
    study = terminal.study(n_respondents=120)
    with small_disk(terminal.store.root, 20_000) as disk:
        following = terminal.start("run", study, "--yes", "--run-id", "r")
        terminal.until_bought(20)

        ballast = fill(disk)
        _, said = following.communicate(timeout=120)
        ballast.unlink()
        resumed = terminal.run("resume", "r")
        rows, state = read_table(terminal.store, run_paths.predictions("r"), ["task_id"]), terminal.phase()
        until(lambda: terminal.processes() == [], deadline_s=90, what="the end of the supervisor")

    assert following.returncode == 6, said
    assert "unexpected" not in said
    assert "full" in said
    assert "`nightpoll resume r` goes on" in said
    assert (resumed.returncode, state, rows.num_rows) == (0, "finished", 240), resumed.stderr
