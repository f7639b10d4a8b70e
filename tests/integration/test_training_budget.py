"""Training in the budget of a month: counted once by the commands that buy it, refused before it is bought."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from finetuning.jobs.submit import Submission, TrainingFiles
from providers.tuning_client import open_tuning_client
from schemas.errors import BudgetError
from schemas.models import Model
from schemas.tuning import DeployedAt, TuningLedger
from storage.store import open_store
from storage.tuning_records import change_ledger, list_ledgers
from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.small_study import MODELS, STUDY, write_study
from tests.support.tunings import FAST
from tests.support.until import until
from workers.money.month_spend import MonthSpend

REPO = Path(__file__).resolve().parents[2]
PRICE = 1000.0
ENTRY = Model.model_validate(
    {
        "provider": "openai",
        "model": "m",
        "deployments": [{"name": "d", "base_url": "http://127.0.0.1:9", "auth": "none", "rpm": 1}],
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


@contextmanager
def started(files: Path, suffix: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`nightpoll finetune submit` as a process of its own."""
    words = [
        "finetune",
        "submit",
        str(files),
        "--model",
        "mini",
        "--epochs",
        "2",
        "--yes",
        "--suffix",
        suffix,
        *options,
    ]
    command = [sys.executable, "-m", "cli.main", *words]
    with subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_training_that_another_command_is_still_uploading_takes_its_room(files: Path, emulator: TestEmulator) -> None:
    store, before = open_store(str(files.parent / "runs")), emulator.batches()["uploads"]
    emulator.set_batch_faults(file_pending_s=10.0)

    with emulator.standing_still(), started(files, "first", "--month-usd", "40") as first:
        until(lambda: [each.training_file for each in list_ledgers(store) if each.training_file])
        with started(files, "second", "--month-usd", "40") as second:
            said = second.communicate(timeout=60)
        n_uploads = emulator.batches()["uploads"] - before
        emulator.skip(20.0)
        first.communicate(timeout=60)
    emulator.set_batch_faults()

    assert (first.returncode, second.returncode) == (0, 4), said
    assert "are spent or reserved" in said[1]
    assert n_uploads == 2  # the training and the validation file of the first
    assert [each.job_id is not None for each in list_ledgers(store)] == [True]


async def test_command_looks_at_the_month_where_others_see_what_it_is_about_to_buy(
    files: Path, emulator: TestEmulator
) -> None:
    store, seen = open_store(str(files.parent / "runs")), list[float]()
    ledger = TuningLedger(
        key="k", entry_name="m", entry=ENTRY, model="m", created_at=datetime.now(UTC), estimated_usd=300.0
    )

    def refused(_: TuningLedger) -> None:
        seen.append(MonthSpend(store).of(month()).others)
        raise BudgetError("no room")

    client = open_tuning_client(ENTRY, ENTRY.deployments[0], environ={})
    with pytest.raises(BudgetError):
        await Submission(store, client, TrainingFiles(files / "training.jsonl"), allow=refused).run(ledger)
    await client.close()

    assert seen == [300.0]
    assert MonthSpend(store).of(month()).others == 0.0
