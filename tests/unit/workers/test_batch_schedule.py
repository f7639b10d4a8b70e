from datetime import UTC, datetime, timedelta

import pytest

from schemas.batches import BatchLedger, InputFile
from schemas.models import BatchDeployment
from workers.batch.schedule import Step, Wish, backoff, choose, next_step, queued_tokens, rescue_at

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
GO, STOP, REST = Wish(may_spend=True, give_up=False), Wish(may_spend=True, give_up=True), Wish(False, give_up=False)


def ledger(state="packed", *, number=1, n_lines=10, n_tokens=100, **changes):
    file = InputFile(name="x", n_lines=n_lines, n_bytes=9, n_tokens=n_tokens, n_max_tokens=200, sha256="")
    made = BatchLedger(number=number, run_id="r", model="mini", at=NOW, key="k", file=file)
    return made.model_copy(update={"state": state} | changes)


@pytest.mark.parametrize(
    ("state", "wish", "step"),
    [
        pytest.param("packed", GO, Step.UPLOAD, id="packed"),
        pytest.param("uploading", GO, Step.FIND_UPLOAD, id="uploading"),
        pytest.param("uploaded", GO, Step.CHECK_FILE, id="uploaded"),
        pytest.param("processed", GO, Step.CREATE, id="processed"),
        pytest.param("creating", GO, Step.FIND_BATCH, id="creating"),
        pytest.param("created", GO, Step.POLL, id="created"),
        pytest.param("ended", GO, Step.HARVEST, id="ended"),
        pytest.param("harvested", GO, Step.TIDY, id="harvested"),
        pytest.param("closed", GO, Step.NONE, id="closed"),
        pytest.param("packed", REST, Step.NONE, id="paused_packed"),
        pytest.param("processed", REST, Step.NONE, id="paused_processed"),
        pytest.param("uploading", REST, Step.FIND_UPLOAD, id="paused_uploading"),
        pytest.param("creating", REST, Step.FIND_BATCH, id="paused_creating"),
        pytest.param("created", REST, Step.POLL, id="paused_created"),
        pytest.param("ended", REST, Step.HARVEST, id="paused_ended"),
        pytest.param("packed", STOP, Step.ABANDON, id="given_up_packed"),
        pytest.param("uploading", STOP, Step.ABANDON, id="given_up_uploading"),
        pytest.param("processed", STOP, Step.ABANDON, id="given_up_processed"),
        pytest.param("creating", STOP, Step.FIND_BATCH, id="given_up_creating"),
        pytest.param("created", STOP, Step.CANCEL, id="given_up_created"),
        pytest.param("ended", STOP, Step.HARVEST, id="given_up_ended"),
    ],
)
def test_next_step_of_each_state(state, wish, step):
    assert next_step(ledger(state), wish, NOW) is step


def test_batch_that_is_cancelled_already_is_watched_to_its_end():
    assert next_step(ledger("created", cancel_asked=True), STOP, NOW) is Step.POLL


def test_wait_holds_a_step_back_until_it_is_over_or_the_batch_is_given_up():
    later = {"wait_until": NOW + timedelta(seconds=1)}

    assert next_step(ledger("processed", **later), GO, NOW) is Step.NONE
    assert next_step(ledger("processed", **later), GO, NOW + timedelta(seconds=2)) is Step.CREATE
    assert next_step(ledger("processed", **later), STOP, NOW) is Step.ABANDON
    assert next_step(ledger("created", **later), STOP, NOW) is Step.CANCEL
    assert next_step(ledger("creating", **later), STOP, NOW) is Step.NONE


def test_refused_batch_is_halved_once_it_was_alone_in_the_queue():
    refused = ledger("processed", n_refused=3)

    assert next_step(refused, GO, NOW) is Step.HALVE
    assert next_step(refused, Wish(True, give_up=False, is_alone=False), NOW) is Step.CREATE
    assert next_step(ledger("processed", n_refused=9, n_lines=1), GO, NOW) is Step.CREATE
    assert next_step(ledger("processed", n_refused=10, n_lines=1), GO, NOW) is Step.REFUSE


def deployment(name, enqueued_tokens):
    return BatchDeployment(name=name, base_url="http://127.0.0.1/v1", enqueued_tokens=enqueued_tokens)


def test_batch_goes_where_the_queue_is_emptiest_and_has_room():
    both = [deployment("a", 250), deployment("b", 250)]

    assert choose(ledger(), both, {"a": 100, "b": 0}, []).name == "b"
    assert choose(ledger(), both, {"a": 100, "b": 0}, ["b"]).name == "a"
    assert choose(ledger(), both, {"a": 200, "b": 200}, []) is None
    assert choose(ledger(n_tokens=999), both, {"a": 200}, []).name == "b"


def test_tokens_count_from_the_upload_to_the_end():
    states = ["packed", "uploading", "uploaded", "processed", "creating", "created", "ended", "closed"]
    batches = [ledger(state, number=n, pool="p") for n, state in enumerate(states)]

    assert queued_tokens(batches) == {"p": 500}


def test_waits_double_to_ten_minutes():
    waits = [(backoff(NOW, n, 5.0) - NOW).total_seconds() for n in (0, 1, 2, 6, 7, 99)]

    assert waits == [5, 10, 20, 320, 600, 600]


def test_rescue_leaves_a_fifth_and_a_margin():
    assert rescue_at(NOW, 3600, 900) == NOW - timedelta(minutes=72 + 15)
