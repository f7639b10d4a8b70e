"""What prune removes, and all that it keeps."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import main
from schemas.overnight import OvernightQueue, QueueEntry
from storage.runs import append_event, list_run_ids
from storage.store import Store
from tests.support.cli_runs import open_run
from tests.support.studies import write_study
from workers.nights.entries import change_queue
from workers.prune import prunable, prune

LATER = datetime.now(UTC) + timedelta(days=100)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Runs a, b and c; a is finished, b runs, c is finished and in the queue."""
    for name in "abc":
        study = write_study(tmp_path / name, "http://127.0.0.1:9/v1", n_respondents=20, name=name, reuse="study")
        store = open_run(study, tmp_path / "runs", run_id=name)
    for name in "ac":
        append_event(store, name, "finished", {"exit_code": 0})
    entry = QueueEntry(id="q1", study="/s", name="c", run_id="c9", last_run_id="c", added_at=LATER)
    change_queue(store, lambda _: OvernightQueue(entries=[entry]))
    return store


def paths(store: Store, now: datetime = LATER, days: float = 90) -> list[str]:
    return [one.path for one in prunable(store, now=now, older_than_days=days)]


def test_prune_takes_what_is_old_and_over_and_keeps_what_is_open_or_named(store):
    found = prunable(store, now=LATER, older_than_days=90)

    assert [one.path for one in found] == ["a"]
    assert prune(store, found) == found[0].n_bytes > 0
    assert list_run_ids(store) == ["b", "c"]
    assert paths(store) == []


@pytest.mark.parametrize(("age", "expected"), [(6.9, []), (7.1, ["a"])])
def test_prune_keeps_a_run_as_long_as_its_answers_may_be_reused(store, age, expected):
    assert paths(store, datetime.now(UTC) + timedelta(days=age), days=1) == expected


def test_prune_keeps_a_damaged_run_and_a_link(store, tmp_path):
    shutil.move(store.path("a"), tmp_path / "elsewhere")
    store.path("a").symlink_to(tmp_path / "elsewhere")

    assert paths(store) == []

    store.path("a").unlink()
    shutil.move(tmp_path / "elsewhere", store.path("a"))
    next(store.path("a/events").iterdir()).write_text("{")
    assert paths(store) == []


def test_prune_only_lists_unless_told_yes(store, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTPOLL_STORE", str(store.root))

    assert main.run(["prune"]) == 0
    assert "0 folders would go" in capsys.readouterr().out
    assert main.run(["prune", "--yes", "--json"]) == 0
    assert list_run_ids(store) == ["a", "b", "c"]
