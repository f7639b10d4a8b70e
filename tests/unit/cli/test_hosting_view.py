"""What commands say of hosting: the registry's tables, and plans that ask a deployed version."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from finetuning.deployments.deploy import close
from finetuning.versions.promotion import Verdict
from finetuning.versions.registry import add_version, promote
from schemas.models import Model
from schemas.tuning import DeployedAt, TuningLedger
from storage.store import Store, open_store
from storage.tuning_records import change_ledger, load_ledger
from tests.support.cli_runs import CommandLine
from tests.support.small_study import STUDY, write_study
from tests.support.tuning_go import done

ENDPOINT = {"name": "here", "base_url": "http://127.0.0.1:9/v1", "auth": "none", "rpm": 600, "deployment": "x"}
ENTRY = Model.model_validate(
    {"provider": "openai", "model": "gpt-4.1-mini", "deployments": [ENDPOINT], "price": {"input": 0.4, "output": 1.6}}
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """small-tuned@v1 is live, was trained for $3 and has been deployed for ten hours at $1.70."""
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "runs"))
    store, now = open_store(str(tmp_path / "runs")), datetime.now(UTC)
    hosted = DeployedAt(name="t", sku="Standard", capacity=1, since=now - timedelta(hours=10), usd_per_hour=1.70)
    other = hosted.model_copy(update={"name": "a checkpoint of the job"})
    ledger = TuningLedger(
        key="k", entry_name="mini", entry=ENTRY, model="m", created_at=now, deployments=[hosted, other]
    )
    change_ledger(store, "k", lambda _: ledger)
    add_version(store, "small-tuned", ledger, model="ft:m", deployment="t", cost_usd=3.0, now=now)
    promote(store, "small-tuned", "v1", verdict=Verdict("non_inferior", ""), evaluation={}, now=now)
    return store


def test_registry_counts_one_training_once_for_a_model_and_its_checkpoint(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = load_ledger(store, "k")
    assert ledger is not None
    add_version(store, "small-tuned", ledger, model="ft:m:1", deployment="x", cost_usd=3.0, now=datetime.now(UTC))

    model = json.loads(done(CommandLine(capsys)("models", "show", "small-tuned", "--json")))

    assert len(model["versions"]) == 2
    assert model["cost_usd"] == pytest.approx(20.0, abs=0.01)


@pytest.mark.usefixtures("store")
def test_registry_counts_training_and_hosting_of_the_versions_own_deployment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = CommandLine(capsys)

    model = json.loads(done(command("models", "show", "small-tuned", "--json")))
    (listed,) = json.loads(done(command("models", "list", "--json")))["models"]
    shown = done(command("models", "show", "small-tuned"))

    assert [listed["cost_usd"], model["cost_usd"]] == pytest.approx([20.0, 20.0], abs=0.01)
    assert model["hosting_usd_per_hour"] == 1.70
    (version,) = model["versions"]
    assert (version["cost_usd"], version["hosting"]["deployments"]) == (3.0, ["t"])
    assert version["hosting"]["usd"] == pytest.approx(17.0, abs=0.01)
    assert "17.00" in shown
    assert "US$ an hour" in shown


@pytest.mark.usefixtures("store")
def test_plan_says_what_a_deployed_version_costs_beside_its_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = CommandLine(capsys)
    text = STUDY.split("arms:")[0] + "arms:\n"
    tuned = write_study(tmp_path / "tuned", study=text + "  t: {model: small-tuned, strategy: basic}\n")
    plain = write_study(tmp_path / "plain", study=text + "  b: {model: mini, strategy: basic}\n")

    (line,) = json.loads(done(command("plan", tuned, "--json")))["hosting"]

    assert line.startswith("hosting of small-tuned@v1: $1.70 an hour while deployed, used or not; $17.0")
    assert "hosting" not in json.loads(done(command("plan", plain, "--json")))
    assert "not part of the run's cost" in done(command("plan", tuned))


def test_plan_says_that_a_version_is_deployed_no_longer_and_how_it_comes_back(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = STUDY.split("arms:")[0] + "arms:\n  t: {model: small-tuned, strategy: basic}\n"
    study = write_study(tmp_path / "tuned", study=text)
    close(store, "k", "t")
    change_ledger(store, "k", lambda before: before.model_copy(update={"checkpoints": {8: "ft:m", 12: "ft:n"}}))  # type: ignore[union-attr]

    (line,) = json.loads(done(CommandLine(capsys)("plan", study, "--json")))["hosting"]

    assert line.startswith("small-tuned@v1 is not deployed any more")
    assert "nightpoll finetune deploy k --name t --checkpoint 8 --register small-tuned" in line


def test_deployment_that_was_asked_for_and_not_seen_is_listed_as_such(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    def begun(before: TuningLedger | None) -> TuningLedger:
        assert before is not None
        first, *others = before.deployments
        return before.model_copy(update={"deployments": [first.model_copy(update={"begun": True}), *others]})

    change_ledger(store, "k", begun)
    command = CommandLine(capsys)

    (job,) = json.loads(done(command("finetune", "list", "--json")))["jobs"]

    assert job["unconfirmed"] == ["t"]
    assert "t (asked for, not seen)" in done(command("finetune", "list"))
    assert job["hosting_usd"] == pytest.approx(34.0, abs=0.01)


def test_job_that_cannot_be_read_is_told_and_stops_no_plan(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in store.path(".nightpoll/tuning/jobs/k").iterdir():
        file.write_text("{", encoding="utf-8")
    text = STUDY.split("arms:")[0] + "arms:\n  t: {model: small-tuned, strategy: basic}\n"

    (line,) = json.loads(done(CommandLine(capsys)("plan", write_study(tmp_path / "s", study=text), "--json")))[
        "hosting"
    ]

    assert line.startswith("what hosting costs cannot be told: ")
