"""deploy and undeploy, with the emulator as Azure: what they wait for and what they say."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from storage.tuning_records import load_registry
from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.tuning_commands import change, last_job, store_of, told, write_models
from tests.support.tunings import ARM, FAST
from tests.support.until import until
from workers.money.month_spend import MonthSpend

NEW_S = 10 * 86_400.0
"""Seconds of the service in which a new deployment is not found: they pass only when the test lets them."""


@pytest.fixture
def late(here: Path) -> Iterator[TestEmulator]:
    """A service of this test alone that does not find a new deployment at first."""
    with running_emulator(profile="azure_v1", batch_speed=FAST, tuning={"not_found_s": NEW_S}) as running:
        write_models(here, running.base_url, running.origin)
        yield running


def test_deploy_waits_until_the_new_deployment_answers_and_says_so(
    nightpoll: CommandLine, here: Path, late: TestEmulator, tuned: str
) -> None:
    before = late.purchases()["total"]

    def found_once_it_was_asked() -> None:
        until(lambda: late.stats()["statuses"].get("404"), 240.0)
        late.skip(NEW_S)

    with ThreadPoolExecutor(1) as beside:
        found = beside.submit(found_once_it_was_asked)
        said = nightpoll("finetune", "deploy", tuned, "--name", "waits", "--register", "moods", "--json")
        found.result()

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


def test_resource_manager_that_cannot_be_reached_is_named_with_what_to_do(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator, tuned: str
) -> None:
    write_models(here, emulator.base_url, "http://127.0.0.1:9")

    said = nightpoll("finetune", "deploy", tuned, "--name", "nobody")

    assert said.code == 6
    assert "The Resource Manager at 127.0.0.1:9 cannot be reached" in said.err
    assert "`tuning.arm_url`" in said.err
    assert last_job(here).deployments == []


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

    again = nightpoll("finetune", "deploy", tuned, "--name", "serves", "--register", "mini")

    said = nightpoll("finetune", "undeploy", tuned, "--json")

    assert ("mini@v1, a candidate." in warned.out, "mini@v1, still live." in again.out) == (True, True)
    assert (said.code, json.loads(said.out)) == (0, {"undeployed": ["serves"]})
    assert "mini@v1 is live" in said.err
    assert "models file has a model 'mini', too" in warned.err


def test_deploy_says_once_which_address_it_takes(nightpoll: CommandLine, here: Path, tuned: str) -> None:
    change(here, state="running", tuned_model=None)
    (here / "models.yaml").unlink()

    said = nightpoll("finetune", "deploy", tuned, "--name", "once")

    assert said.code == 0, said
    assert said.err.count("is asked, as at submit") == 1
    assert nightpoll("finetune", "undeploy", tuned).code == 0


def test_token_that_deploy_asks_for_counts_in_the_hosting_and_in_the_month_as_it_was_billed(
    nightpoll: CommandLine, here: Path, emulator: TestEmulator, tuned: str
) -> None:
    spend, before = MonthSpend(store_of(here)), Decimal(emulator.purchases()["bill_usd_exact"])
    month = f"{datetime.now(UTC):%Y-%m}"
    hosting = spend.hosting(month)

    for _ in range(2):
        assert nightpoll("finetune", "deploy", tuned, "--name", "counted").code == 0

    billed = float(Decimal(emulator.purchases()["bill_usd_exact"]) - before)
    assert billed > 0
    assert spend.hosting(month) - hosting == pytest.approx(billed)
    (row,) = json.loads(nightpoll("finetune", "list", "--json").out)["jobs"]
    assert row["hosting_usd"] == pytest.approx(billed)
    assert nightpoll("finetune", "undeploy", tuned).code == 0
    assert spend.hosting(month) - hosting == pytest.approx(billed)
