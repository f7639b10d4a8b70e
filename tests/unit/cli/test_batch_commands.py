import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.views.batch import expected_end, state_of, summary
from schemas.batches import BatchLedger, InputFile, Seen, Tally
from tests.support.cli_runs import open_run
from tests.support.studies import write_study
from workers.batch.ledger import BatchShelf

AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
FILE = InputFile(name="x.jsonl", n_lines=27_400, n_bytes=9, n_tokens=9, n_max_tokens=18, sha256="")


def ledger(number=1, **changes):
    return BatchLedger(number=number, run_id="r", model="mini", at=AT, key="k", file=FILE).model_copy(update=changes)


def working(completed, failed=0):
    return {
        "state": "created",
        "since": AT,
        "seen": Seen(status="in_progress", total=27_400, completed=completed, failed=failed),
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, "waits for room in the queue", id="packed"),
        pytest.param({"state": "created", "seen": Seen(status="validating")}, "validating", id="validating"),
        pytest.param(working(400, 12), "in progress 412/27,400", id="in_progress"),
        pytest.param({"state": "created", "seen": Seen(status="finalizing")}, "finalizing", id="finalizing"),
        pytest.param({"state": "closed", "end": "harvested"}, "harvested", id="closed"),
        pytest.param({"state": "closed", "end": "abandoned"}, "given up before it was made", id="abandoned"),
    ],
)
def test_state_is_told_in_words(changes, told):
    assert state_of(ledger(**changes)) == told


def test_expected_end_follows_the_pace_and_is_the_window_without_one():
    assert expected_end(ledger(**working(13_700)), AT + timedelta(hours=1)) == AT + timedelta(hours=2)
    assert expected_end(ledger(**working(0)), AT) == AT + timedelta(hours=24)
    assert expected_end(ledger(), AT) is None


def test_summary_counts_open_batches_only():
    batches = [ledger(1, **working(1)), ledger(2, state="closed"), ledger(3), ledger(4)]

    assert summary(batches) == "3 batches: 2 waits for room in the queue, in progress 1/27,400"
    assert not summary([ledger(state="closed")])


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "runs"))
    opened = open_run(write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=12), tmp_path / "runs")
    tally = Tally(kinds={"ok": 27_399, "failed": 1}, n_sent=27_400, n_again=1)
    BatchShelf(opened, "r").write(ledger(state="closed", end="harvested", tally=tally, cost_usd=1.5))
    return opened


def test_list_shows_what_became_of_the_requests(nightpoll, store):
    said = nightpoll("batch", "list", "r")

    assert said.code == 0
    assert "harvested: 1 failed, 27,399 ok, 1 to be asked again" in said.out
    assert json.loads(nightpoll("batch", "list", "r", "--json").out)["batches"][0]["cost_usd"] == 1.5


def test_show_of_an_unknown_batch_names_those_there_are(nightpoll, store):
    assert "n_again          1" in nightpoll("batch", "show", "r", 1).out
    said = nightpoll("batch", "show", "r", 7)
    assert (said.code, "It has 1." in said.err) == (2, True)


def test_cancel_without_an_open_batch_changes_nothing(nightpoll, store):
    said = nightpoll("batch", "cancel", "r")

    assert (said.code, "Nothing is open." in said.out) == (0, True)
