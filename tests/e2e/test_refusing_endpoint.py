"""Endpoints that refuse or are down, seen by the user of the command."""

import pytest

from tests.support.emulator import running_emulator
from tests.support.studies import write_study
from tests.support.terminal import Terminal

pytestmark = pytest.mark.e2e


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
        terminal.until_nothing_runs()
        assert terminal.run("resume", "r").returncode == 0
        terminal.until_nothing_runs()


def test_endpoint_that_is_down_exits_6_and_says_how_to_go_on(tmp_path):
    with running_emulator() as emulator:
        base_url = emulator.base_url
    terminal = Terminal(tmp_path, emulator)
    study = str(write_study(tmp_path / "study", base_url, n_respondents=20))

    failed = terminal.run("run", study, "--yes", "--run-id", "r")

    assert failed.returncode == 6, failed.stderr
    assert "nightpoll resume r" in failed.stderr
    assert "Traceback" not in failed.stderr
    terminal.until_nothing_runs()
