"""submit, cancel and their ledgers, as tests of the fine-tuning commands use them."""

from pathlib import Path
from typing import Any

from schemas.tuning import TuningLedger
from storage.store import Store, open_store
from storage.tuning_records import change_ledger, list_ledgers
from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator
from tests.support.tunings import ARM


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


def told(emulator: TestEmulator) -> dict[str, Any]:
    return emulator._get("tuning")


def cancelled(nightpoll: CommandLine, here: Path, emulator: TestEmulator) -> str:
    """Key of a job that was cancelled before it could end."""
    with emulator.standing_still():
        submit(nightpoll, here)
        key = last_job(here).key
        assert nightpoll("finetune", "cancel", key).code == 0
    return key
