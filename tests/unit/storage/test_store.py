from pathlib import Path

import pytest

from schemas.errors import StoreError
from storage.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def test_put_if_absent_keeps_the_first(store: Store):
    assert store.put_if_absent("a/b.json", b"first")
    assert not store.put_if_absent("a/b.json", b"second")
    assert store.read_bytes("a/b.json") == b"first"


def test_writing_leaves_nothing_behind_when_the_block_fails(store: Store):
    def fail() -> None:
        with store.writing("x.bin") as scratch:
            scratch.write_bytes(b"half")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        fail()

    assert store.names("") == []
    assert [p.name for p in store.root.iterdir()] == [".nightpoll"]


def test_writing_replaces_whole(store: Store):
    store.put_if_absent("x", b"old")
    with store.writing("x") as scratch:
        scratch.write_bytes(b"new")
    assert store.read_bytes("x") == b"new"


def test_store_under_a_file_is_refused_with_what_to_do(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="is a file, not a folder") as e:
        open_store(str(tmp_path / "file" / "runs"))

    assert e.value.exit_code == 6


def test_missing_file_is_a_store_error(store: Store):
    with pytest.raises(StoreError, match="not there"):
        store.read_bytes("nothing")


def test_names_hides_scratch_files(store: Store):
    store.put_if_absent("d/b", b"")
    store.put_if_absent("d/.hidden", b"")
    assert store.names("d") == ["b"]
    assert store.names("nowhere") == []
