from datetime import UTC, datetime

import pytest

from schemas.batches import BatchLedger, InputFile, Round
from schemas.errors import StoreError
from storage.runs import append_event
from storage.store import open_store
from workers.batch.asks import contains, read_asks, sorted_asks, write_asks
from workers.batch.ledger import BatchShelf, open_batches
from workers.local.supervisor import _is_active

AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def file(name="a"):
    return InputFile(name=name, n_lines=2, n_bytes=9, n_tokens=9, n_max_tokens=18, sha256="")


def ledger(number=1, **changes):
    return BatchLedger(number=number, run_id="r", model="mini", at=AT, key="k", file=file()).model_copy(update=changes)


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path))


def test_batches_of_a_round_are_there_before_anybody_touched_them(store):
    shelf = BatchShelf(store, "r")
    files = [file("a"), file("b")]
    made = Round(run_id="r", model="mini", generation=0, number=0, first_number=1, files=files, n_requests=4, at=AT)
    shelf.add_round(0, made)

    shelf.write(shelf.ledgers()[1].model_copy(update={"state": "uploading"}))

    assert [(b.number, b.state, b.file.name) for b in shelf.ledgers()] == [(1, "packed", "a"), (2, "uploading", "b")]
    assert shelf.next_number(shelf.ledgers()) == 3


def test_ledger_that_somebody_else_wrote_is_not_overwritten(store):
    first = BatchShelf(store, "r").write(ledger())
    BatchShelf(store, "r").write(first)

    with pytest.raises(StoreError, match="changed by another process"):
        BatchShelf(store, "r").write(first)


def test_damaged_ledger_is_named(store):
    shelf = BatchShelf(store, "r")
    shelf.write(ledger())
    store.path("r/batches/000001.json").write_text("{")

    with pytest.raises(StoreError, match=r"damaged") as caught:
        BatchShelf(store, "r").ledgers()
    assert "000001.json" in caught.value.where


def test_open_batch_keeps_the_supervisor_of_a_paused_run_alive(store):
    append_event(store, "r", "opened")
    append_event(store, "r", "paused", {"reason": ""})
    assert not _is_active(store, "r")

    written = BatchShelf(store, "r").write(ledger(state="created"))
    assert _is_active(store, "r")
    BatchShelf(store, "r").write(written.model_copy(update={"state": "closed"}))

    assert not _is_active(store, "r")
    assert open_batches(store, "r") == []


def test_list_of_asks_answers_for_its_members_only(store):
    ids = [f"{n:032x}" for n in (3, 1, 2)]
    write_asks(store, "r", "x.asks", dict.fromkeys(ids, 1))

    asks = sorted_asks(store, "r", "x.asks", "")
    assert read_asks(store, "r", "x.asks") == dict.fromkeys(ids, 1)
    assert all(contains(asks, each) for each in ids)
    assert not contains(asks, f"{4:032x}")
    assert not contains(asks, f"{0:032x}")
