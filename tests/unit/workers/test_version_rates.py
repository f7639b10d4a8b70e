from random import Random

import pytest

from schemas.on_failure import OnFailure
from workers.versions.rates import Tally, complaint, lower_bound

RULE = OnFailure.model_validate("rollback")


@pytest.mark.parametrize(
    ("tally", "says"),
    [
        pytest.param(Tally(), None, id="nothing came"),
        pytest.param(Tally(49, 49), None, id="too few to say"),
        pytest.param(Tally(50, 50), "50 of 50 requests failed (100%, at most 20% may)", id="all failed"),
        pytest.param(Tally(100, 0, 100, 60), "60 of 100 answers cannot be read (60%, at most 20% may)", id="unread"),
        pytest.param(Tally(60, 14, 46, 0), None, id="a little over the threshold may be chance"),
        pytest.param(Tally(20_000, 4_600, 15_400, 0), "4,600 of 20,000 requests failed", id="for certain over it"),
    ],
)
def test_version_is_complained_about_once_its_rate_is_surely_over_the_threshold(tally, says):
    found = complaint(tally, RULE)

    assert found is None if says is None else found.startswith(says)


def test_threshold_of_one_never_complains():
    assert complaint(Tally(500, 0, 500, 500), OnFailure(unparsed=1.0)) is None


def test_noise_below_the_threshold_trips_nothing_though_it_is_looked_at_after_every_ten_answers():
    tripped = 0
    for seed in range(300):
        rng, unread = Random(seed), 0
        for n in range(10, 2_001, 10):
            unread += sum(rng.random() < 0.17 for _ in range(10))
            if complaint(Tally(n, 0, n, unread), RULE) is not None:
                tripped += 1
                break

    assert tripped == 0


def test_lower_bound_agrees_with_a_published_example():
    assert lower_bound(15, 50, 1.96) == pytest.approx(0.191, abs=0.0005)  # 15 of 50: 0.191 to 0.438
