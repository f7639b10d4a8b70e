"""doctor, worker, emulator."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.views.emulator import arguments_of
from tests.support.emulator import running_emulator
from tests.support.studies import write_study

ROOT = Path(__file__).resolve().parents[3]
ONLY_PROCESS_COMMANDS = """
import sys, typer
from cli.commands import process as process_commands
app = typer.Typer()
process_commands.register(app)
sys.exit(app(standalone_mode=False))
"""


def findings(said):
    return {(f["about"], f["state"]) for f in json.loads(said.out)["findings"]}


def test_doctor_finds_a_fit_machine_fit(nightpoll, store):
    said = nightpoll("doctor", "--json")

    assert said.code == 0
    assert {(name, "ok") for name in ("python", "packages", "store", "server")} <= findings(said)
    assert ("models", "warning") in findings(said)


def test_doctor_names_a_key_variable_that_is_not_set_and_shows_no_key(nightpoll, store, tmp_path, monkeypatch):
    study = write_study(tmp_path / "study", "http://127.0.0.1:9/v1", key_env="MY_KEY")

    without = nightpoll("doctor", study)
    monkeypatch.setenv("MY_KEY", "s3cret-value")
    with_key = nightpoll("doctor", study)

    assert (without.code, with_key.code) == (2, 0)
    assert "MY_KEY is not set" in without.out
    assert "MY_KEY is set" in with_key.out
    assert "s3cret" not in with_key.out + with_key.err


def test_doctor_asks_one_question_and_tells_the_name_that_the_limit_has(nightpoll, store, tmp_path):
    with running_emulator(deployments={"gpt-4.1-mini": {"model": "o4-mini"}}) as service:
        study = write_study(tmp_path / "study", service.base_url)
        models = study.parent / "models.yaml"
        text = models.read_text()

        refused = nightpoll("doctor", study, "--call")
        models.write_text(text.replace("temperature: 0, ", "").replace("max_completion_tokens", "max_tokens"))
        learned = nightpoll("doctor", study, "--call")

    assert refused.code == 5
    assert "does not take `temperature`" in " ".join(refused.out.split())
    assert learned.code == 0
    assert "`max_completion_tokens` in place of `max_tokens`" in " ".join(learned.out.split())


def test_doctor_tells_parameters_that_the_family_refuses(nightpoll, store, tmp_path):
    study = write_study(tmp_path / "study", "http://127.0.0.1:9/v1")
    models = study.parent / "models.yaml"
    models.write_text(models.read_text().replace("family: chat", "family: reasoning"))

    said = nightpoll("doctor", study)

    assert said.code == 2
    assert "Reasoning models refuse `temperature`" in said.out


def test_doctor_says_that_redis_is_away_and_hides_the_password(nightpoll, store, monkeypatch):
    monkeypatch.setenv("NIGHTPOLL_REDIS_URL", "redis://:pa55word@127.0.0.1:1/0")

    said = nightpoll("doctor")

    assert said.code == 6
    assert "Redis cannot be reached" in said.out
    assert "pa55word" not in said.out + said.err


def test_doctor_online_asks_endpoints(nightpoll, store, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "good")
    with running_emulator(keys=("good",)) as emulator:
        study = write_study(tmp_path / "study", emulator.base_url, key_env="MY_KEY")
        accepted = nightpoll("doctor", study, "--online")
        monkeypatch.setenv("MY_KEY", "wrong")
        refused = nightpoll("doctor", study, "--online")
    gone = nightpoll("doctor", study, "--online")

    assert (accepted.code, refused.code, gone.code) == (0, 5, 6)
    assert "refuses the key" in refused.out
    assert "cannot be reached" in gone.out


def test_doctor_without_online_asks_nobody(nightpoll, store, tmp_path):
    study = write_study(tmp_path / "study", "http://127.0.0.1:9/v1")

    assert ("endpoint", "fail") not in findings(nightpoll("doctor", study, "--json"))


def test_worker_without_a_server_says_which_variable(nightpoll, store):
    said = nightpoll("worker")

    assert said.code == 2
    assert "NIGHTPOLL_REDIS_URL" in said.err


def test_emulator_options_become_arguments_of_its_module():
    options = {"port": 0, "profile": None, "api-version": ["a", "b"], "seed": 0}

    assert arguments_of(options) == ["--port=0", "--api-version=a", "--api-version=b", "--seed=0"]


def test_emulator_refuses_a_faults_file_that_is_not_there(nightpoll, tmp_path):
    said = nightpoll("emulator", "--faults", tmp_path / "none.yaml")

    assert said.code == 2
    assert "none.yaml" in said.err


@pytest.mark.e2e
def test_emulator_says_where_it_listens_and_stops_on_sigterm():
    command = [sys.executable, "-c", ONLY_PROCESS_COMMANDS, "emulator", "--port", "0", "--json"]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        told = "".join(iter(process.stdout.readline, "}\n")) + "}"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

    assert json.loads(told)["base_url"].startswith("http://127.0.0.1:")
    assert process.returncode == 143


def test_doctor_asks_a_completion_model_with_a_prompt_and_names_the_family_of_others(nightpoll, store, tmp_path):
    with running_emulator() as service:
        study = write_study(tmp_path / "study", service.base_url)
        models = study.parent / "models.yaml"
        text = models.read_text().replace("gpt-4.1-mini", "babbage-002").replace("max_completion_tokens", "max_tokens")
        models.write_text(text)

        refused = nightpoll("doctor", study, "--call")
        models.write_text(text.replace("family: chat", "family: completion"))
        answered = nightpoll("doctor", study, "--call")

    assert (refused.code, answered.code) == (5, 0)
    assert "`family: completion`" in " ".join((refused.out + refused.err).split())
    assert "answers with its parameters (stop, " in " ".join(answered.out.split())
