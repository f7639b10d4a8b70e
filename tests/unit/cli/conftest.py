"""The command line in this process; one landed run for all tests of this folder."""

from pathlib import Path
from typing import Any

import pytest

from storage.store import Store
from tests.support.cli_runs import CommandLine, land, open_run
from tests.support.studies import write_study

UNPARSED, REFUSED = "I am 42 \x1b[31m", "I cannot say."


@pytest.fixture
def nightpoll(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store of the test's own."""
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(scope="session")
def landed_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Run `r`: 40 respondents x 2 questions; one answer unparsed, one refused, the last shard of 8 open."""
    folder = tmp_path_factory.mktemp("landed")
    study = write_study(folder / "study", "http://127.0.0.1:9/v1", n_respondents=40)
    made = open_run(study, folder / "store")
    odd: list[dict[str, Any]] = [
        {"turns": [UNPARSED]},
        {"outcome": "refused", "turns": [REFUSED], "error_code": "refusal", "error_message": "The model refused."},
    ]
    land(made, "r", lambda _row: odd.pop() if odd else {}, leave_shards=1)
    return made


@pytest.fixture
def run(landed_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The landed run, in the store of the settings."""
    monkeypatch.setenv("NIGHTPOLL_STORE", str(landed_store.root))
    return landed_store
