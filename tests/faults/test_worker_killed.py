"""kill -9 of workers in mid-run: no row lost, nothing bought twice beyond what was open at the signal."""

import pytest

from tests.support.fleet import Fleet, running_fleet, study_of

pytestmark = pytest.mark.e2e
N_REQUESTS = 160


def complete(fleet: Fleet) -> bool:
    rows = fleet.rows()
    return len(rows) == N_REQUESTS and {r["status"] for r in rows} <= {"answered", "unparsed"}


def test_rows_are_complete_when_one_worker_is_killed():
    with running_fleet() as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=16))
        fleet.until_bought(30)

        n_open = fleet.kill(fleet.workers[0])
        fleet.start_worker()

        fleet.until_finished()
        assert complete(fleet)
        assert fleet.bought_twice() <= n_open


def test_rows_are_complete_when_all_workers_are_killed():
    with running_fleet() as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=16))
        fleet.until_bought(30)

        n_open = max(fleet.kill(worker) for worker in list(fleet.workers))
        fleet.start_worker()

        fleet.until_finished()
        assert complete(fleet)
        assert fleet.bought_twice() <= 2 * n_open


@pytest.mark.accept
@pytest.mark.timeout(400)
def test_rows_are_complete_when_all_workers_are_killed_ten_times_in_a_row():
    n_open = 0
    with running_fleet() as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=16))
        for kill in range(10):
            fleet.until_bought(12 * (kill + 1))
            n_open += sum(fleet.kill(worker) for worker in list(fleet.workers))
            fleet.workers.clear()
            fleet.start_worker()
            fleet.start_worker()

        fleet.until_finished(deadline_s=200)
        assert complete(fleet)
        assert fleet.bought_twice() <= n_open


@pytest.mark.accept
def test_without_journal_a_kill_buys_far_more_than_was_open():
    with running_fleet(without=["journal"], n_workers=1) as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=80))
        fleet.until_bought(60)

        n_open = fleet.kill(fleet.workers[0])
        fleet.start_worker()

        fleet.until_finished()
        assert fleet.bought_twice() > n_open


@pytest.mark.accept
def test_without_keeper_a_kill_leaves_the_run_unfinished():
    with running_fleet(without=["keeper"], n_workers=1) as fleet:
        fleet.open(study_of(fleet, n_respondents=80, shard_size=16))
        fleet.until_bought(30)

        fleet.kill(fleet.workers[0])
        fleet.start_worker()

        with pytest.raises(AssertionError, match="the end of the run"):
            fleet.until_finished(deadline_s=25)
