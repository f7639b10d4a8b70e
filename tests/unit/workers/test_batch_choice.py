from datetime import UTC, datetime, timedelta

import pytest

from schemas.batches import BatchLedger, InputFile, Tally
from schemas.run_paths import batches_dir
from storage.runs import load_events, load_manifest, load_state
from tests.support.cli_runs import planned_run
from tests.support.studies import write_study
from workers.batch.choice import choose_transports
from workers.batch.history import batch_times
from workers.batch.ledger import BatchShelf

URL = "http://127.0.0.1:9/v1"
MADE = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    study = write_study(
        tmp_path / "s", URL, n_respondents=20, arm_keys="transport: auto", batch=[f'base_url: "{URL}"']
    )  # fmt: skip
    return planned_run(study, tmp_path / "runs")


def ended_batch(number: int, hours: float) -> BatchLedger:
    file = InputFile(name="x.jsonl", n_lines=9, n_bytes=9, n_tokens=9, n_max_tokens=9, sha256="0")
    return BatchLedger(
        number=number, run_id="r", model="mini", state="harvested", since=MADE, at=MADE + timedelta(hours=hours),
        key="k", file=file, deployment="b0", tally=Tally(n_sent=9, n_lines=9),
    )  # fmt: skip


def test_choice_is_made_once_and_the_run_reads_as_if_the_study_had_said_so(store):
    before = load_manifest(store, "r")
    soon = datetime.now(UTC) + timedelta(hours=1)

    first = choose_transports(store, "r")
    again = choose_transports(store, "r", deadline=soon)

    placed = load_manifest(store, "r")
    assert (before.batch_shards, before.study.arms["basic"].transport) == ({}, "online")
    assert [choice.transport for choice in first] == ["batch"]
    assert again == first
    assert [event.kind for event in load_events(store, "r")] == ["transport_chosen"]
    assert (placed.batch_shards, placed.online_shards) == (placed.auto_shards, {"mini": []})
    assert placed.study.arms["basic"].transport == "batch"


def test_deadline_of_the_command_becomes_the_deadline_of_the_batches(store):
    later = datetime.now(UTC) + timedelta(hours=30)

    choose_transports(store, "r", deadline=later)

    assert load_state(store, "r").transports["mini"].transport == "batch"
    assert load_manifest(store, "r").study.arms["basic"].deadline == later.isoformat()


def test_times_of_own_batches_are_those_of_nine_in_ten(store):
    shelf = BatchShelf(store, "r")
    store.path(batches_dir("r")).mkdir(parents=True, exist_ok=True)
    for number in range(1, 11):
        shelf.write(ended_batch(number, hours=number))

    (seen,) = batch_times(store).values()
    chosen = choose_transports(store, "r", deadline=datetime.now(UTC) + timedelta(hours=10))

    assert (seen.seconds, seen.n) == (9 * 3600, 10)
    assert chosen[0].transport == "batch"
    assert "as 10 batches here took" in chosen[0].reason
