"""queue reorder, pause, resume, remove: what they change in the store, and what they refuse."""

import json
from datetime import timedelta

import pytest

from schemas.errors import ExitCode
from schemas.overnight import WINDOW_ENDED
from schemas.window import zone
from storage.runs import append_event, load_state
from storage.store import open_store
from tests.support.cli_runs import open_run
from tests.support.studies import write_study
from workers.nights.entries import change_queue, read_queue

pytestmark = pytest.mark.redis
CLOSED = ("--window", "00:00-00:01", "--timezone", "Pacific/Kiritimati")


@pytest.fixture
def queue(nightpoll, store, tmp_path, redis_url, monkeypatch):
    """Three entries, q1 to q3; their states in order at each call."""
    monkeypatch.setenv("NIGHTPOLL_REDIS_URL", redis_url)
    for name in ("a", "b", "c"):
        study = write_study(tmp_path / name, "http://127.0.0.1:9/v1", n_respondents=8, name=name)
        assert nightpoll("queue", "add", study, *CLOSED).code == 0
    return lambda: read_queue(open_store(str(store))).entries


def change(store, entry, **fields):
    change_queue(open_store(str(store)), lambda queue: queue.replaced(entry, **fields))


@pytest.mark.parametrize(
    ("entry", "place", "order"), [("q3", 1, "q3 q1 q2"), ("q1", 2, "q2 q1 q3"), ("q1", 99, "q2 q3 q1")]
)
def test_reordered_entry_stands_at_its_new_place(nightpoll, queue, entry, place, order):
    said = nightpoll("queue", "reorder", entry, place)

    assert said.code == 0
    assert said.out.strip() == order
    assert " ".join(e.id for e in queue()) == order


def test_paused_entry_is_held_until_it_is_resumed(nightpoll, queue):
    assert nightpoll("queue", "pause", "q2").code == 0
    held = [e.held for e in queue()]
    listed = json.loads(nightpoll("queue", "list", "--json").out)

    assert nightpoll("queue", "resume", "q2").code == 0
    assert held == [False, True, False]
    assert [e["held"] for e in listed["entries"]] == held
    assert [e.held for e in queue()] == [False, False, False]


def test_removed_entry_is_gone_and_its_number_is_not_given_again(nightpoll, queue, tmp_path):
    assert nightpoll("queue", "remove", "q2").code == 0
    assert nightpoll("queue", "add", tmp_path / "b" / "study.yaml", *CLOSED).code == 0

    assert nightpoll("queue", "remove", "q4").code == 0
    assert nightpoll("queue", "add", tmp_path / "b" / "study.yaml", *CLOSED).code == 0

    assert [e.id for e in queue()] == ["q1", "q3", "q5"]


@pytest.mark.parametrize("state", ["running", "finishing"])
def test_entry_that_works_is_not_removed(nightpoll, queue, store, state):
    change(store, "q1", state=state)

    said = nightpoll("queue", "remove", "q1")

    assert said.code == ExitCode.WRONG_INPUT
    assert "queue pause q1" in said.err
    assert len(queue()) == 3


def test_stopped_entry_goes_on_in_its_next_window_with_the_same_run(nightpoll, queue, store, tmp_path):
    before = queue()[0]
    open_run(tmp_path / "a" / "study.yaml", store, run_id=before.run_id)
    append_event(open_store(str(store)), before.run_id, "stopped", {"reason": "no quota", "exit_code": 5})
    change(store, "q1", state="stopped", exit_code=5, attempts=2, reason="no quota")

    assert nightpoll("queue", "resume", "q1").code == 0

    after, state = queue()[0], load_state(open_store(str(store)), before.run_id)
    assert (after.state, after.exit_code, after.attempts, after.run_id) == ("drained", 0, 0, before.run_id)
    assert (state.phase, state.reason) == ("paused", WINDOW_ENDED)


def test_entry_that_failed_to_start_waits_again(nightpoll, queue, store):
    change(store, "q1", state="failed", attempts=3, reason="it died")

    assert nightpoll("queue", "resume", "q1").code == 0

    assert (queue()[0].state, queue()[0].attempts, queue()[0].reason) == ("waiting", 0, "")


def test_entry_that_is_done_stays_done(nightpoll, queue, store):
    change(store, "q1", state="done")

    assert nightpoll("queue", "resume", "q1").code == 0

    assert queue()[0].state == "done"


@pytest.mark.parametrize("words", [("reorder", "q9", 1), ("pause", "q9"), ("resume", "q9"), ("remove", "q9")])
def test_unknown_entry_is_refused_with_those_there_are(nightpoll, queue, words):
    said = nightpoll("queue", *words)

    assert said.code == ExitCode.WRONG_INPUT
    assert "q1, q2, q3" in said.err
    assert len(queue()) == 3


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (("--deadline", "06:30"), "06:30"),
        (("--deadline", "06:30 Pacific/Kiritimati"), "06:30"),
        (("--deadline", "2199-12-01T06:30"), "2199-12-01T06:30:00+14:00"),
    ],
)
def test_deadline_is_a_time_of_each_night_in_the_windows_zone_else_one_moment(
    nightpoll, queue, tmp_path, options, kept
):
    said = nightpoll("queue", "add", tmp_path / "a" / "study.yaml", *CLOSED, *options)

    assert said.code == 0, said.err
    assert queue()[-1].deadline == kept
    moment = queue()[-1].deadline_at(queue()[-1].added_at)
    assert moment is not None
    assert f"{moment.astimezone(zone('Pacific/Kiritimati')):%H:%M}" == "06:30"


def test_span_of_a_deadline_counts_from_now_and_fits_no_nightly_study(nightpoll, queue, tmp_path):
    study = tmp_path / "a" / "study.yaml"

    assert nightpoll("queue", "add", study, *CLOSED, "--deadline", "8h").code == 0
    entry = queue()[-1]
    nightly = nightpoll("queue", "add", study, *CLOSED, "--nightly", "--deadline", "8h")

    assert entry.deadline_at(entry.added_at) - entry.added_at == timedelta(hours=8)
    assert nightly.code == ExitCode.WRONG_INPUT
    assert "'8h' comes once, and the study is to run every night." in nightly.err
