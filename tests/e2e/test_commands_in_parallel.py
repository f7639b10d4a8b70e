"""Commands that meet: a run watched, paused, cancelled or killed from another terminal."""

import json
import signal

import pytest

from tests.support.until import until

pytestmark = pytest.mark.e2e


def test_detached_run_is_seen_and_cancelled_from_another_process(terminal):
    study = terminal.study(n_respondents=200, rpm=300)
    assert terminal.run("run", study, "--yes", "--run-id", "r", "--detach").returncode == 0
    terminal.until_bought(5)

    seen = json.loads(terminal.run("status", "r", "--json").stdout)
    cancelled = terminal.run("cancel", "r")

    assert seen["state"] == "running"
    assert seen["requests"] == 400
    assert cancelled.returncode == 0
    assert terminal.phase() == "cancelled"
    assert terminal.run("resume", "r").returncode == 2


def test_run_goes_on_when_its_command_is_killed(terminal):
    command = terminal.start("run", terminal.study(n_respondents=60), "--yes", "--run-id", "r")
    terminal.until_bought(20)

    command.kill()
    command.communicate()

    until(lambda: terminal.phase() == "finished", deadline_s=90, what="the end of the run")
    assert terminal.emulator.purchases()["repeated"] == 0


def test_ctrl_c_pauses_and_resume_finishes(terminal):
    command = terminal.start("run", terminal.study(n_respondents=60), "--yes", "--run-id", "r")
    terminal.until_bought(20)

    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=30)

    assert command.returncode == 130
    assert "nightpoll resume r" in err
    assert terminal.phase() == "paused"
    assert terminal.run("resume", "r").returncode == 0
    assert terminal.emulator.purchases()["repeated"] == 0


def test_two_commands_with_one_run_id_make_one_run(terminal):
    study = terminal.study(n_respondents=150, rpm=600)
    first = terminal.start("run", study, "--yes", "--run-id", "r")
    terminal.until_bought(5)

    others = [terminal.start("run", study, "--yes", "--run-id", "r"), terminal.start("resume", "r")]
    for command in [*others, first]:
        command.communicate(timeout=120)

    assert [command.returncode for command in others] == [7, 7]
    assert first.returncode == 0
    assert terminal.emulator.purchases()["repeated"] == 0


def test_of_two_resumes_at_once_one_goes_on(terminal):
    command = terminal.start("run", terminal.study(n_respondents=60, rpm=600), "--yes", "--run-id", "r")
    terminal.until_bought(20)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=30)

    both = [terminal.start("resume", "r"), terminal.start("resume", "r")]
    for resume in both:
        resume.communicate(timeout=120)

    assert sorted(resume.returncode for resume in both) == [0, 7]
    assert terminal.emulator.purchases()["repeated"] == 0
