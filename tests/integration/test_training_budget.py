"""Training in the budget of a month: counted once by the commands that buy it, refused before it is bought."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.models import Model
from schemas.tuning import DeployedAt, TuningLedger
from storage.store import open_store
from storage.tuning_records import change_ledger, list_ledgers
from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.small_study import MODELS, STUDY, write_study
from tests.support.tunings import FAST
from workers.money.month_spend import MonthSpend

PRICE = 1000.0
ENTRY = Model.model_validate(
    {
        "provider": "openai",
        "model": "m",
        "deployments": [{"name": "d", "base_url": "http://127.0.0.1:9", "rpm": 1}],
        "tuning": {"usd_per_million_tokens": 1},
    }
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=FAST) as running:
        yield running


@pytest.fixture
def nightpoll(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def files(tmp_path: Path, emulator: TestEmulator, monkeypatch: pytest.MonkeyPatch, nightpoll: CommandLine) -> Path:
    """Prepared files of a study that bounds the month by 500 US$, and a models file with a price of training."""
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "runs"))
    monkeypatch.setenv("NIGHTPOLL_MODELS", str(tmp_path / "models.yaml"))
    models = MODELS.replace("http://127.0.0.1:9/v1", emulator.base_url)
    models = models.replace("    deployments:", f"    tuning: {{usd_per_million_tokens: {PRICE}}}\n    deployments:")
    study = write_study(tmp_path, study=STUDY + "budget: {month_usd: 500}\n", models=models, n=120)
    assert nightpoll("finetune", "prepare", study, "--arm", "basic", "--out", tmp_path / "t").code == 0
    return tmp_path / "t"


def month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"


def test_training_counts_once_in_the_month_in_which_it_was_bought(files: Path, nightpoll: CommandLine) -> None:
    submit = ("finetune", "submit", files, "--model", "mini", "--epochs", "2", "--yes", "--json")
    first, again = (json.loads(nightpoll(*submit).out) for _ in range(2))
    store = open_store(str(files.parent / "runs"))
    estimated = MonthSpend(store).of(month())

    assert nightpoll("finetune", "watch", first["key"], "--every", "0.05").code == 0

    (ledger,) = list_ledgers(store)
    billed = MonthSpend(store).of(month())
    assert first["key"] == again["key"]
    assert estimated == (0.0, pytest.approx(first["estimated_usd"]))
    assert billed == (0.0, pytest.approx(float(ledger.trained_tokens or 0) * PRICE / 1e6))
    assert MonthSpend(store).of("2026-01") == (0.0, 0.0)


@pytest.mark.parametrize(
    ("option", "bound"),
    [pytest.param((), "$500.00", id="the study's"), pytest.param(("--month-usd", "450"), "$450.00", id="the option's")],
)
def test_training_that_the_month_has_no_room_for_is_refused_with_figures(
    files: Path, nightpoll: CommandLine, emulator: TestEmulator, option: tuple[str, ...], bound: str
) -> None:
    store, now = open_store(str(files.parent / "runs")), datetime.now(UTC)
    hosted = DeployedAt(name="d", sku="Standard", capacity=1, since=now, until=now, usd_per_hour=1.0)
    spent = TuningLedger(
        key="k", entry_name="m", entry=ENTRY, model="m", created_at=now,
        job_id="ftjob-1", state="running", estimated_usd=480.0, deployments=[hosted],
    )  # fmt: skip
    change_ledger(store, "k", lambda _: spent)
    before = emulator.stats()["arrived"]

    said = nightpoll("finetune", "submit", files, "--model", "mini", "--yes", *option)

    assert said.code == 4
    assert f"$480.00 of {bound} are spent or reserved in {month()}" in said.err
    assert "are missing" in said.err
    assert len(list_ledgers(store)) == 1
    assert emulator.stats()["arrived"] == before
    assert nightpoll("finetune", "submit", files, "--model", "mini", "--yes", "--month-usd", "600").code == 0


def test_training_without_a_price_is_refused_where_the_month_is_bounded(files: Path, nightpoll: CommandLine) -> None:
    models = files.parent / "models.yaml"
    models.write_text(models.read_text("utf-8").replace(f"usd_per_million_tokens: {PRICE}", ""), "utf-8")

    said = nightpoll("finetune", "submit", files, "--model", "mini", "--yes")

    assert said.code == 2
    assert "usd_per_million_tokens" in said.err
