"""A mutable document under writers that meet."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.errors import StoreError
from storage import revisions
from storage.revisions import change, read_revision, replace_revision
from storage.store import open_store

FOLDER = ".nightpoll/things"


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path))


def test_document_that_was_never_written_is_empty(store):
    assert read_revision(store, FOLDER) == (0, {})


def test_writer_whose_base_is_old_is_told(store):
    base = read_revision(store, FOLDER)

    assert replace_revision(store, FOLDER, base, {"by": "first"})
    assert not replace_revision(store, FOLDER, base, {"by": "second"})
    assert read_revision(store, FOLDER) == (1, {"by": "first"})


def test_writer_that_is_behind_everything_kept_changes_nothing(store, monkeypatch):
    monkeypatch.setattr(revisions, "KEPT", 3)
    base = read_revision(store, FOLDER)
    for n in range(10):
        change(store, FOLDER, lambda _, n=n: {"n": n})

    assert not replace_revision(store, FOLDER, base, {"n": -1})
    assert read_revision(store, FOLDER) == (10, {"n": 9})
    assert len(store.names(FOLDER)) == 3


def test_edit_that_changes_nothing_writes_nothing(store):
    change(store, FOLDER, lambda _: {"n": 1})
    change(store, FOLDER, lambda document: document)

    assert read_revision(store, FOLDER).number == 1


def test_damaged_document_is_named(store):
    store.put_if_absent(f"{FOLDER}/r000000001.json", b"[1")

    with pytest.raises(StoreError, match="damaged") as told:
        read_revision(store, FOLDER)
    assert "r000000001.json" in told.value.where


def add_one(root, times):
    store = open_store(root)
    for _ in range(times):
        change(store, FOLDER, lambda document: {"n": document.get("n", 0) + 1})


def test_no_update_is_lost_among_twenty_writers(store):
    with ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(add_one, str(store.root), 10) for _ in range(20)]:
            done.result()

    assert read_revision(store, FOLDER).document == {"n": 200}
