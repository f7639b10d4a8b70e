"""A shard that cannot land is tried again at most once a second, and not for ever."""

import re
from datetime import datetime
from itertools import pairwise

import pytest

from storage.runs import load_state
from tests.support.fleet import Fleet, running_fleet, study_of
from workers.tasks import MAX_FAILED_STARTS

pytestmark = pytest.mark.e2e
FAST = {"latency": {"median_s": 0.02, "sigma": 0.1}}


def tries_s(fleet: Fleet) -> list[float]:
    """When a part was tried, by the workers' log."""
    found = re.findall(r"^(\S+ \S+) WARNING sabotage landing tried$", fleet.log_text(), re.MULTILINE)
    return [datetime.strptime(at, "%Y-%m-%d %H:%M:%S,%f").timestamp() for at in found]  # noqa: DTZ007 - differences only


@pytest.mark.parametrize(
    ("fails", "most"),
    [
        pytest.param("landing", 2 * MAX_FAILED_STARTS, id="unforeseen", marks=pytest.mark.accept),
        pytest.param("store", 1, id="store-error"),
    ],
)
def test_shard_that_cannot_land_is_tried_at_most_once_a_second_and_stops_its_run(fails, most):
    with running_fleet(without=[fails], emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=8, shard_size=16))
        fleet.until_finished(deadline_s=60)

        state = load_state(fleet.store, "run")
        assert (state.phase, state.exit_code) == ("stopped", 6)
        at = tries_s(fleet)
        assert 1 <= len(at) <= most
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(at)), at
        assert fleet.bought_twice() == 0


def test_worker_without_the_key_stops_the_run_and_does_not_spin():
    with running_fleet(n_workers=0, emulator=FAST) as fleet:
        fleet.environ["SOME_KEY"] = "k"
        study = study_of(fleet, n_respondents=16, shard_size=8, key_env="SOME_KEY")
        fleet.open(study)
        del fleet.environ["SOME_KEY"]
        fleet.start_worker()
        fleet.until_finished(deadline_s=60)

        state = load_state(fleet.store, "run")
        assert (state.phase, state.exit_code) == ("stopped", 5)
        assert "SOME_KEY" in state.reason
        assert fleet.emulator.stats()["arrived"] == 0
