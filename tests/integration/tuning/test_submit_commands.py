"""submit, with the emulator as Azure: once, again, or not at all, and what it says."""

import json
from pathlib import Path

from storage.tuning_records import list_ledgers
from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator
from tests.support.tuning_commands import cancelled, change, last_job, store_of, submit, told, write_models


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


def test_job_that_was_cancelled_is_told_with_its_code(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    cancelled(nightpoll, here, emulator)

    said = submit(nightpoll, here, "--json")

    assert (said.code, json.loads(said.out)["state"], json.loads(said.out)["started_before"]) == (8, "cancelled", True)


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


def test_submit_of_a_running_job_takes_the_entry_of_today(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator
) -> None:
    submit(nightpoll, here)
    write_models(here, emulator.base_url, emulator.origin, usd_per_hour=2.5)

    submit(nightpoll, here)

    tuning = last_job(here).entry.tuning
    assert tuning is not None
    assert tuning.usd_per_hour == 2.5


def test_job_that_the_service_refused_costs_nothing_in_the_list(nightpoll: CommandLine, here: Path) -> None:
    refused = submit(nightpoll, here, "--from", "gpt-nobody.ft-1")

    (row,) = json.loads(nightpoll("finetune", "list", "--json").out)["jobs"]

    assert (refused.code, "training_type" in refused.err) == (5, True)
    assert (row["job"], row["training_usd"]) == (None, 0.0)
