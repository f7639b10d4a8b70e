"""submit, watch and deploy as a user types them, with the emulator as Azure: what they wait for and what they say."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.tuning import TuningLedger
from storage.store import Store, open_store
from storage.tuning_records import change_ledger, list_ledgers, load_registry
from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.tunings import ARM, FAST, jsonl, training_lines

NEW_S = 4.0
"""Real seconds in which a new deployment is not found: longer than a slow machine takes to look."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[TestEmulator]:
    with running_emulator(profile="azure_v1", batch_speed=FAST, batch={"pending_s": 0}) as running:
        yield running


@pytest.fixture
def nightpoll(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, emulator: TestEmulator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store, a models file and training files of this test alone."""
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "runs"))
    monkeypatch.setenv("NIGHTPOLL_MODELS", str(tmp_path / "models.yaml"))
    monkeypatch.setenv("ARM_TOKEN", "t")
    monkeypatch.setattr("finetuning.deployments.serving.LOOK_EVERY_S", 0.2)
    monkeypatch.setattr("finetuning.deployments.deploy.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("finetuning.jobs.submit.LOOK_EVERY_S", 0.05)
    write_models(tmp_path, emulator.base_url, emulator.origin)
    (tmp_path / "training.jsonl").write_bytes(jsonl(training_lines(20)))
    return tmp_path


def write_models(folder: Path, url: str, arm_url: str, **tuning: object) -> None:
    more = "".join(f", {name}: {value}" for name, value in tuning.items())
    account = ARM.removesuffix("/deployments")
    (folder / "models.yaml").write_text(
        "models:\n  mini:\n    provider: azure_v1\n    model: gpt-4.1-mini\n"
        "    parameters: {temperature: 0, max_completion_tokens: 8}\n"
        f"    tuning: {{account: {tuning.get('account', account)}, arm_url: '{arm_url}', token_env: ARM_TOKEN,"
        f" usd_per_million_tokens: 5{more.replace(', account: ' + str(tuning.get('account')), '')}}}\n"
        f"    deployments:\n      - {{name: here, base_url: '{url}', auth: none, rpm: 6000}}\n",
        encoding="utf-8",
    )


def submit(nightpoll: CommandLine, here: Path, *more: str) -> Any:
    return nightpoll("finetune", "submit", here / "training.jsonl", "--model", "mini", "--yes", *more)


def store_of(here: Path) -> Store:
    return open_store(str(here / "runs"))


def last_job(here: Path) -> TuningLedger:
    return list_ledgers(store_of(here))[-1]


def change(here: Path, **changes: object) -> None:
    """Edit the only job's ledger by hand."""

    def edited(before: TuningLedger | None) -> TuningLedger:
        assert before is not None
        return before.model_copy(update=changes)

    change_ledger(store_of(here), last_job(here).key, edited)


@pytest.fixture
def tuned(nightpoll: CommandLine, here: Path) -> str:
    """Key of a job that succeeded."""
    assert submit(nightpoll, here, "--seed", "7").code == 0
    key = last_job(here).key
    assert nightpoll("finetune", "watch", key, "--every", "0.05").code == 0
    return key


def told(emulator: TestEmulator) -> dict[str, Any]:
    return emulator._get("tuning")


@pytest.fixture
def late(here: Path) -> Iterator[TestEmulator]:
    """A service of this test alone that does not find a new deployment at first."""
    with running_emulator(profile="azure_v1", batch_speed=FAST, tuning={"not_found_s": NEW_S * FAST}) as running:
        write_models(here, running.base_url, running.origin)
        yield running


def test_deploy_waits_until_the_new_deployment_answers_and_says_so(
    nightpoll: CommandLine, here: Path, late: TestEmulator, tuned: str
) -> None:
    before = late.purchases()["total"]

    said = nightpoll("finetune", "deploy", tuned, "--name", "waits", "--register", "moods", "--json")

    assert said.code == 0, said
    assert json.loads(said.out)["deployment"] == "waits"
    assert "waits is deployed and not found yet" in said.err
    assert "one token" in said.err
    assert "Hosting is billed until you undeploy" in said.err
    assert late.purchases()["total"] - before == 1
    (version,) = load_registry(store_of(here)).models["moods"].versions
    assert version.entry.fresh_until is not None
    assert version.entry.fresh_until > datetime.now(UTC) + timedelta(minutes=10)
    assert nightpoll("finetune", "undeploy", tuned).code == 0


NO_NAMES = [
    ("--name", "has blank", "--name"),
    ("--name", "x", "--name"),
    ("--name", "ends-", "--name"),
    ("--name", "a/../b", "--name"),
    ("--name", "n" * 65, "--name"),
    ("--register", "mood@v1", "--register"),
    ("--register", "", "--register"),
    ("--register", "Stimmung-für-heute", "--name"),
]


def test_name_that_cannot_be_one_is_refused_before_any_call(
    nightpoll: CommandLine, emulator: TestEmulator, tuned: str
) -> None:
    before, n_arrived = told(emulator)["puts"], emulator.stats()["arrived"]

    for option, name, where in NO_NAMES:
        said = nightpoll("finetune", "deploy", tuned, option, name)
        assert (said.code, f"{where}:" in said.err, "letter or digit" in said.err) == (2, True, True), name

    assert (told(emulator)["puts"], emulator.stats()["arrived"]) == (before, n_arrived)


def test_deploy_takes_account_tier_and_price_of_today(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator, tuned: str
) -> None:
    account = ARM.removesuffix("accounts/a/deployments") + "accounts/other"
    write_models(here, emulator.base_url, emulator.origin, sku="GlobalStandard", usd_per_hour=1.7, account=account)

    said = nightpoll("finetune", "deploy", tuned, "--name", "today", "--json")

    assert said.code == 0, said
    (deployed,) = last_job(here).deployments
    assert (deployed.sku, deployed.usd_per_hour, deployed.account) == ("GlobalStandard", 1.7, account)
    assert "US$ 1.70 an hour" in said.err
    json.loads(said.out)
    write_models(here, emulator.base_url, emulator.origin)
    assert nightpoll("finetune", "undeploy", tuned).code == 0  # where it was deployed, not where one would be now
    assert last_job(here).deployments[0].until is not None


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


def test_submit_without_epochs_says_that_the_service_chooses(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    asked = submit(nightpoll, here)
    given = submit(nightpoll, here, "--epochs", "2", "--json")

    assert "as many epochs as the service chooses: about $0.0196 if it takes 4" in asked.err
    assert "$0.0049 for each" in asked.err
    assert "2 epochs: about $0.0098" in given.err
    assert json.loads(given.out)["epochs"] == 2
    assert [job.hyperparameters for job in list_ledgers(store_of(here))] == [{}, {"n_epochs": 2}]


def test_job_that_failed_is_told_and_made_again_only_when_asked(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    emulator._put("tuning-faults", {"failed_after_training": "safety_check_failed"})
    before = told(emulator)["created"]
    assert submit(nightpoll, here).code == 0
    assert nightpoll("finetune", "watch", last_job(here).key, "--every", "0.05").code == 5
    emulator._put("tuning-faults", {})

    plain = submit(nightpoll, here)
    unasked = nightpoll("finetune", "submit", here / "training.jsonl", "--model", "mini", "--again")
    with emulator.standing_still():
        again = submit(nightpoll, here, "--again")
        running = submit(nightpoll, here, "--again")

    assert (plain.code, told(emulator)["created"] - before) == (5, 2)
    assert "started before" in plain.out
    assert ": failed" in plain.out
    assert "safety_check_failed" in plain.out
    assert "--again trains it once more" in plain.out
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    assert (again.code, "started before" in again.out) == (0, False)
    assert (running.code, "started before" in running.out) == (0, True)
    assert len(list_ledgers(store_of(here))) == 2
    nightpoll("finetune", "watch", last_job(here).key, "--every", "0.05")
    assert "succeeded" in submit(nightpoll, here).out


def cancelled(nightpoll: CommandLine, here: Path, emulator: TestEmulator) -> str:
    """Key of a job that was cancelled before it could end."""
    with emulator.standing_still():
        submit(nightpoll, here)
        key = last_job(here).key
        assert nightpoll("finetune", "cancel", key).code == 0
    return key


def test_job_that_was_cancelled_is_told_with_its_code(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    cancelled(nightpoll, here, emulator)

    said = submit(nightpoll, here, "--json")

    assert (said.code, json.loads(said.out)["state"], json.loads(said.out)["started_before"]) == (8, "cancelled", True)


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


def test_second_try_whose_answer_is_lost_makes_one_job(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    cancelled(nightpoll, here, emulator)
    before = told(emulator)["created"]
    emulator._put("tuning-faults", {"cut_after_create": 1})

    with emulator.standing_still():
        said = submit(nightpoll, here, "--again")
        emulator._put("tuning-faults", {})
        again = submit(nightpoll, here, "--again")

    assert (said.code, again.code, told(emulator)["created"] - before) == (0, 0, 1)


def test_job_that_the_service_lost_can_be_made_again(nightpoll: CommandLine, here: Path) -> None:
    submit(nightpoll, here)
    change(here, job_id="ftjob-gone", state="running")

    plain, again = submit(nightpoll, here), submit(nightpoll, here, "--again")

    assert (plain.code, "knows the job no longer" in plain.out) == (5, True)
    assert again.code == 0
    assert len(list_ledgers(store_of(here))) == 2


def test_service_that_cannot_be_reached_is_named_with_what_to_do(nightpoll: CommandLine, here: Path) -> None:
    write_models(here, "http://127.0.0.1:9/openai/v1", "http://127.0.0.1:9")

    said = submit(nightpoll, here)

    assert said.code == 6
    assert "The service at 127.0.0.1:9 cannot be reached" in said.err
    assert "Is `base_url` right" in said.err


def test_resource_manager_that_cannot_be_reached_is_named_with_what_to_do(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator, tuned: str
) -> None:
    write_models(here, emulator.base_url, "http://127.0.0.1:9")

    said = nightpoll("finetune", "deploy", tuned, "--name", "nobody")

    assert said.code == 6
    assert "The Resource Manager at 127.0.0.1:9 cannot be reached" in said.err
    assert "`tuning.arm_url`" in said.err
    assert last_job(here).deployments == []


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


def test_deploy_looks_after_a_job_that_nobody_watched(nightpoll: CommandLine, here: Path, tuned: str) -> None:
    change(here, state="running", tuned_model=None, checkpoints={})

    said = nightpoll("finetune", "deploy", tuned, "--name", "unwatched", "--json")

    assert said.code == 0, said
    assert ".ft-" in json.loads(said.out)["model"]
    assert nightpoll("finetune", "undeploy", tuned).code == 0


def test_deploy_meets_another_deployment_under_way_and_says_that_it_waits(
    nightpoll: CommandLine, emulator: TestEmulator, tuned: str
) -> None:
    emulator._put("tuning-faults", {"conflicts": 1})

    said = nightpoll("finetune", "deploy", tuned, "--name", "second")
    emulator._put("tuning-faults", {})

    assert said.code == 0, said
    assert "RequestConflict" in said.err
    assert "makes one deployment at a time" in said.err
    assert nightpoll("finetune", "undeploy", tuned).code == 0


def test_undeploy_says_which_version_in_service_is_asked_there_no_longer(
    nightpoll: CommandLine, here: Path, tuned: str
) -> None:
    nightpoll("finetune", "deploy", tuned, "--name", "serves", "--register", "mini")
    warned = nightpoll("finetune", "deploy", tuned, "--name", "serves", "--register", "mini")
    nightpoll("models", "promote", "mini", "--version", "v1", "--force", "tonight")

    said = nightpoll("finetune", "undeploy", tuned, "--json")

    assert (said.code, json.loads(said.out)) == (0, {"undeployed": ["serves"]})
    assert "mini@v1 is live" in said.err
    assert "models file has a model 'mini', too" in warned.err


def test_submit_of_a_running_job_takes_the_entry_of_today(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    submit(nightpoll, here)
    write_models(here, emulator.base_url, emulator.origin, usd_per_hour=2.5)

    submit(nightpoll, here)

    tuning = last_job(here).entry.tuning
    assert tuning is not None
    assert tuning.usd_per_hour == 2.5


def test_deploy_says_once_which_address_it_takes(nightpoll: CommandLine, here: Path, tuned: str) -> None:
    change(here, state="running", tuned_model=None)
    (here / "models.yaml").unlink()

    said = nightpoll("finetune", "deploy", tuned, "--name", "once")

    assert said.code == 0, said
    assert said.err.count("is asked, as at submit") == 1
    assert nightpoll("finetune", "undeploy", tuned).code == 0
