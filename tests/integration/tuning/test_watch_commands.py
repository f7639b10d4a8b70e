"""watch, results, pause, resume and cancel, with the emulator as Azure: where they ask and what they say."""

import json
import re
from pathlib import Path

import pytest

from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator
from tests.support.tuning_commands import cancelled, change, last_job, submit, write_models


def test_watch_shows_the_tuned_models_id_and_asks_where_the_models_file_says_now(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    assert submit(nightpoll, here, "--seed", "7").code == 0
    key = last_job(here).key
    gone = last_job(here).entry.deployments[0].model_copy(update={"base_url": "http://127.0.0.1:9/openai/v1"})
    change(here, entry=last_job(here).entry.model_copy(update={"deployments": [gone]}))

    said = nightpoll("finetune", "watch", key, "--every", "0.05")

    assert said.code == 0, said
    place = emulator.origin.partition("://")[2]
    assert f"{place} is asked, as the models file says now; mini was at 127.0.0.1:9 at submit." in said.err
    assert re.search(r"model created: gpt-4.1-mini-2025-04-14\.ft-[0-9a-f]{32}", said.err)
    assert re.search(r"checkpoints at steps [\d, ]+: `finetune deploy", said.out)
    assert "[removed]" not in said.err + said.out
    assert last_job(here).entry.deployments[0].base_url == emulator.base_url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("models: {other: {provider: openai, model: x, deployments: [{name: a, base_url: "
                     "'http://127.0.0.1:9', auth: none, rpm: 1}]}}", "there is no model 'mini'", id="no entry"),
        pytest.param("models: {mini: {provider: openai, model: x, deployments: [{name: a, base_url: "
                     "'http://127.0.0.1:9', auth: none, rpm: 1}]}}", "is openai x now", id="another model"),
        pytest.param("models: {mini: {provider: azure_v1, model: gpt-4.1-mini, deployments: [{name: a, base_url: "
                     "'https://real.example.com', api_key_env: K, rpm: 1}]}}", "is a real service now", id="real"),
    ],
)  # fmt: skip
def test_watch_asks_as_at_submit_and_says_why_where_the_models_file_means_another(
    nightpoll: CommandLine, here: Path, tuned: str, text: str, why: str
) -> None:
    (here / "models.yaml").write_text(text, encoding="utf-8")

    said = nightpoll("finetune", "watch", tuned, "--once", "--json")

    assert said.code == 0, said
    assert "is asked, as at submit" in said.err
    assert why in said.err
    assert json.loads(said.out)["state"] == "succeeded"


def test_cancelled_job_ends_watch_with_its_code(nightpoll: CommandLine, here: Path, emulator: TestEmulator) -> None:
    key = cancelled(nightpoll, here, emulator)

    assert nightpoll("finetune", "watch", key, "--every", "0.05").code == 8
    assert nightpoll("finetune", "watch", key, "--once", "--json").code == 8


def test_results_of_a_job_that_is_over_need_no_service(nightpoll: CommandLine, here: Path, tuned: str) -> None:
    before = json.loads(nightpoll("finetune", "results", tuned, "--json").out)
    write_models(here, "http://127.0.0.1:9/openai/v1", "http://127.0.0.1:9")

    said = nightpoll("finetune", "results", tuned, "--json", "--chart", here / "curves.html")

    assert said.code == 0, said
    assert json.loads(said.out)["curves"] == before["curves"] != {}
    assert (here / "curves.html").exists()


@pytest.mark.parametrize("action", ["cancel", "pause", "resume"])
def test_job_that_has_succeeded_is_left_alone_and_told(
    nightpoll: CommandLine, here: Path, tuned: str, action: str
) -> None:
    change(here, state="running")  # nobody has looked since

    said = nightpoll("finetune", action, tuned)

    assert said.code == 2
    assert f"the job {tuned} has succeeded already: nothing to {action}." in said.err
    assert f"`nightpoll finetune deploy {tuned}`" in said.err
    assert last_job(here).state == "succeeded"


def test_job_that_waits_says_so_when_it_cannot_be_paused_and_twice_cancelled_is_cancelled(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    with emulator.standing_still():
        submit(nightpoll, here)
        key = last_job(here).key
        paused = nightpoll("finetune", "pause", key)
        both = [nightpoll("finetune", "cancel", key) for _ in range(2)]

    assert (paused.code, "The job is pending." in paused.err) == (5, True)
    assert f"`nightpoll finetune watch {key}`" in paused.err
    assert [(said.code, said.out.strip()) for said in both] == [(0, "cancelled")] * 2
