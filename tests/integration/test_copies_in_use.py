"""Copies of objects on a host whose threads and processes share them: what is in use stays, what is seen is whole."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.store import open_store
from tests.support.object_services import s3_service

DAY_S = 86400


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s3")
    with s3_service(folder / "log") as service:
        yield service


@pytest.fixture
def opened(service, request, tmp_path, monkeypatch):
    for name, value in service.environ().items():
        monkeypatch.setenv(name, value)
    return lambda: open_store(f"{service.uri}/{request.node.originalname[-40:]}", tmp_path / "host")


def written(store, rel, data):
    with store.writing(rel) as scratch:
        scratch.write_bytes(data)


def old(folder, days):
    """As if nothing here had been touched for so long."""
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (time.time() - days * DAY_S,) * 2)


def test_folder_that_several_threads_fetch_at_once_is_whole_for_each_of_them(opened):
    store, names = opened(), [f"{n}.json" for n in range(8)]
    for name in names:
        written(store, f"run/evaluation/{name}", name.encode())

    def look(_):
        with store.fetched_folder("run/evaluation") as folder:
            return [(folder / name).read_text() for name in names], folder

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(look, range(16)))

    assert all(texts == names for texts, _ in found)
    assert not any(folder.exists() for _, folder in found)


def test_folder_leaves_out_what_goes_while_it_is_fetched(opened, monkeypatch):
    store = opened()
    for name in ("a.json", "b.json"):
        written(store, f"run/evaluation/{name}", name.encode())
    listed = list(store._bucket.everything("run/evaluation"))
    store.remove("run/evaluation/a.json")
    monkeypatch.setattr(store._bucket, "everything", lambda _: listed)

    with store.fetched_folder("run/evaluation") as folder:
        assert [path.name for path in folder.iterdir()] == ["b.json"]


def test_copy_that_was_just_handed_out_survives_the_sweep_of_another_process(opened, tmp_path):
    store = opened()
    written(store, "run/predictions.parquet", b"rows")
    store.fetched("run/predictions.parquet")
    old(tmp_path / "host", days=3)
    store._kept._marked_s.clear()  # the process has been at it for days

    path = store.fetched("run/predictions.parquet")
    opened()

    assert path.read_bytes() == b"rows"


def test_copies_of_a_run_survive_the_sweep_while_they_are_used(opened, tmp_path):
    store = opened()
    for name in ("run.json", "plan.parquet"):
        store.put_if_absent(f"run/{name}", b"content")
        store.fetched(f"run/{name}")
    old(tmp_path / "host", days=99)
    store._kept._marked_s.clear()

    path = store.fetched("run/plan.parquet")
    opened()

    assert path.read_bytes() == b"content"


def test_copies_that_nobody_wanted_for_long_are_swept_and_fetched_again_when_wanted(opened, tmp_path):
    store = opened()
    for name in ("run.json", "plan.parquet"):
        store.put_if_absent(f"run/{name}", b"content")
    written(store, "run/predictions.parquet", b"rows")
    kept = [store.fetched(f"run/{name}") for name in ("plan.parquet", "predictions.parquet")]
    old(tmp_path / "host", days=99)

    other = opened()

    assert not any(path.exists() for path in kept)
    assert other.fetched("run/plan.parquet").read_bytes() == b"content"
    assert store.fetched("run/plan.parquet").read_bytes() == b"content"


def test_copy_that_is_handed_out_in_the_moment_of_a_sweep_is_there_to_be_read(opened, tmp_path):
    store, names = opened(), [f"run/evaluation/{n}.json" for n in range(4)]
    for name in names:
        written(store, name, name.encode())

    def read(name):
        return store.fetched(name).read_text() == name

    with ThreadPoolExecutor(6) as pool:
        for _ in range(25):
            old(tmp_path / "host", days=3)
            store._kept._marked_s.clear()
            sweeps = [pool.submit(opened) for _ in range(2)]
            assert all(pool.map(read, names))
            for sweep in sweeps:
                sweep.result()
