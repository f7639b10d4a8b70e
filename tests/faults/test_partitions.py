"""Hosts that share Redis and an object store: one is cut off and comes back, one is killed. No row is lost.

Bought twice may be what was in doubt: announced in the store and not known to have ended there. Every such call is
counted as `maybe_paid`.
"""

import threading

import pytest

from tests.support.fleet import study_of
from tests.support.hosts import running_cluster
from tests.support.object_services import blob_service, s3_service

pytestmark = pytest.mark.e2e
EMULATOR = {"latency": {"median_s": 0.4, "sigma": 0.3}}


def one_cut_off_one_killed(service, *, n_respondents, shard_size, cut_s, without=()):
    """Host 0 is away for a while; some time after it is back, host 1 dies and comes up again elsewhere."""
    with running_cluster(service, without=without, emulator=EMULATOR) as cluster:
        away, dying = cluster.hosts
        cluster.open(study_of(cluster, n_respondents=n_respondents, shard_size=shard_size))
        cluster.until_bought(n_respondents // 2)

        away.cut()
        doubt, unflushed = cluster.in_doubt(), cluster.unflushed()
        threading.Event().wait(cut_s)
        away.mend()
        cluster.until_bought(int(1.4 * n_respondents), deadline_s=120)
        doubt += cluster.in_doubt()
        unflushed += cluster.unflushed()
        cluster.kill_host(dying)

        cluster.until_finished(deadline_s=180)
        rows = cluster.rows()
        twice, counted = cluster.bought_twice(), sum(part["maybe_paid"] for part in cluster.parts())
    print(f"{len(rows)} rows; bought twice {twice}, open or unflushed {unflushed}, in doubt {doubt}, counted {counted}")
    return rows, twice, doubt, counted


def assert_kept(result, n_respondents):
    rows, twice, doubt, counted = result
    assert len(rows) == 2 * n_respondents
    assert {row["status"] for row in rows} <= {"answered", "unparsed"}
    assert twice <= doubt
    assert twice <= counted


@pytest.mark.accept
def test_host_that_is_cut_off_and_host_that_dies_lose_no_row_on_s3(tmp_path):
    with s3_service(tmp_path / "log") as service:
        assert_kept(one_cut_off_one_killed(service, n_respondents=70, shard_size=16, cut_s=6), 70)


@pytest.mark.accept
@pytest.mark.timeout(600)
def test_half_a_minute_of_partition_loses_no_row_on_s3(tmp_path):
    with s3_service(tmp_path / "log") as service:
        assert_kept(one_cut_off_one_killed(service, n_respondents=600, shard_size=64, cut_s=30), 600)


@pytest.mark.accept
@pytest.mark.timeout(600)
def test_half_a_minute_of_partition_loses_no_row_on_blob_storage(tmp_path):
    with blob_service(tmp_path / "log", tmp_path) as service:
        assert_kept(one_cut_off_one_killed(service, n_respondents=600, shard_size=64, cut_s=30), 600)


@pytest.mark.accept
@pytest.mark.timeout(900)
def test_without_announcements_calls_are_bought_twice_and_not_counted(tmp_path):
    """Not each time: a host that dies right after a segment of its own has told of all its open calls."""
    for n in range(8):
        with s3_service(tmp_path / f"log{n}") as service:
            rows, twice, _, counted = one_cut_off_one_killed(
                service, n_respondents=300, shard_size=64, cut_s=8, without=["announcements"]
            )
        assert len(rows) == 600
        if twice > counted:
            return
    pytest.fail("eight times nothing went uncounted")
