"""Fine-tuning commands as a user types them: a store, a models file and training files of each test alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.tuning_commands import last_job, submit, write_models
from tests.support.tunings import FAST, jsonl, training_lines


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


@pytest.fixture
def tuned(nightpoll: CommandLine, here: Path) -> str:
    """Key of a job that succeeded."""
    assert submit(nightpoll, here, "--seed", "7").code == 0
    key = last_job(here).key
    assert nightpoll("finetune", "watch", key, "--every", "0.05").code == 0
    return key
