"""A run on an object store, on two hosts: the same rows as in a folder on one."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.store import open_store
from tests.support.fleet import Fleet, _end, study_of
from tests.support.hosts import running_cluster
from tests.support.object_services import blob_service, s3_service
from tests.support.valkey import PrivateServer
from workers import connection
from workers.shards import locks

pytestmark = pytest.mark.e2e
MAY_DIFFER = {"created_at", "latency_s", "attempts", "deployment"}


@contextmanager
def local_fleet(cluster):
    """One worker on a folder, asking the same emulator."""
    with tempfile.TemporaryDirectory(prefix="np-", dir="/tmp") as name:
        server = PrivateServer(Path(name))
        server.start()
        locks.vouch(connection.plain(server.url))
        store = open_store(f"{name}/runs")
        environ = {"NIGHTPOLL_STORE": store.uri, "NIGHTPOLL_REDIS_URL": server.url, "NIGHTPOLL_SLOTS": "2"}
        fleet = Fleet(Path(name), cluster.emulator, server, store, environ)
        try:
            fleet.start_worker()
            yield fleet
        finally:
            _end(fleet)


def assert_same_rows(service, n_respondents):
    with running_cluster(service) as cluster, local_fleet(cluster) as local:
        study = study_of(cluster, n_respondents=n_respondents, shard_size=16, arms=("basic", "cot"))
        for fleet in (local, cluster):
            fleet.open(study)
        for fleet in (local, cluster):
            fleet.until_finished()
        ours, theirs = cluster.rows(), local.rows()

        assert len(ours) == len(theirs) == 4 * n_respondents
        for row, other in zip(ours, theirs, strict=True):
            differing = {name for name in row if row[name] != other[name]}
            assert differing <= MAY_DIFFER
        assert cluster.bought_twice() <= cluster.emulator.purchases()["distinct"]  # one of each store
        assert sum(row["attempts"] for row in ours) == len(ours)
        assert cluster.store.names("run/journal") == []


def test_rows_on_s3_equal_those_in_a_folder(tmp_path):
    with s3_service(tmp_path / "log") as service:
        assert_same_rows(service, n_respondents=20)


@pytest.mark.accept
def test_rows_on_blob_storage_equal_those_in_a_folder(tmp_path):
    with blob_service(tmp_path / "log", tmp_path) as service:
        assert_same_rows(service, n_respondents=40)
