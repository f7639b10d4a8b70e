import numpy as np
import pytest

from evaluation.inference.bootstrap import Columns, Draws
from evaluation.inference.intervals import share_standard_error, weighted_share_interval
from evaluation.reading.sampling_design import design_of, simple_design

RNG = np.random.default_rng(3)
N = 600
STRATA = [f"s{i % 4}" for i in range(N)]
CLUSTERS = [f"c{i // 5}" for i in range(N)]


def test_nothing_declared_is_a_simple_design():
    assert design_of([None] * 3, [None] * 3).is_simple
    assert Draws(3, 10, 1, design_of([None] * 3, [None] * 3)).method.startswith("respondent bootstrap")


def test_same_cluster_name_in_two_strata_is_two_units():
    design = design_of(["a", "a", "b", "b"], ["1", "2", "1", "2"])

    assert design.n_units.tolist() == [2, 2]


def test_strata_of_one_unit_are_put_together():
    design = design_of(["a", "a", "b", "c"], [None] * 4)

    assert sorted(design.n_units.tolist()) == [2, 2]


def test_a_single_lonely_stratum_joins_another():
    for strata in (["a", "b", "b"], ["a", "a", "b"], ["a", "a", "b", "c", "c"]):
        assert design_of(strata, [None] * len(strata)).n_units.min() >= 2


def test_missing_stratum_is_a_stratum_of_its_own():
    assert design_of(["a", "a", None, None], [None] * 4).n_units.tolist() == [2, 2]


def test_rescaled_draws_count_a_cluster_alike_and_keep_the_mean():
    design = design_of(STRATA, CLUSTERS)
    draws = np.vstack(list(Draws(N, 400, 1, design).blocks()))

    for unit in np.unique(design.psu):
        assert np.ptp(draws[:, design.psu == unit], axis=1).max() == 0
    assert draws.mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("strata", "clusters"), [(STRATA, [None] * N), ([None] * N, CLUSTERS), (STRATA, CLUSTERS)])
def test_rescaled_bootstrap_has_the_linearised_spread(strata, clusters):
    design = design_of(strata, clusters)
    shared = RNG.random(N // 5)[np.arange(N) // 5]
    hit, mass = (RNG.random(N) < shared).astype(float), RNG.random(N) + 0.2
    columns = Columns(N)
    columns.add("hit", np.arange(N), mass * hit)
    columns.add("all", np.arange(N), mass)

    drawn = columns.resampled(Draws(N, 4000, 2, design))
    spread = (drawn["hit"] / drawn["all"]).std()

    assert spread == pytest.approx(share_standard_error(hit, mass, np.arange(N), design), rel=0.06)


def test_clusters_that_answer_alike_widen_the_interval():
    hit = np.repeat(RNG.random(N // 5) < 0.5, 5)
    ones = np.ones(N)

    alone = weighted_share_interval(hit, ones, np.arange(N), simple_design(N))
    together = weighted_share_interval(hit, ones, np.arange(N), design_of([None] * N, CLUSTERS))

    assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(5**0.5, rel=0.05)
    assert "120 clusters" in together.method


def test_share_of_nothing_or_everything_keeps_an_interval_inside_0_and_1():
    found = weighted_share_interval(np.zeros(50), np.ones(50), np.arange(50), simple_design(50))

    assert found.low == pytest.approx(0)
    assert 0 < found.high < 0.1
    assert found.method == "Wilson on effective n"


def test_domain_error_counts_people_outside_the_domain():
    inside = np.arange(0, N, 3)
    hit, mass = RNG.random(inside.size) < 0.4, np.ones(inside.size)
    p = hit.mean()

    found = share_standard_error(hit, mass, inside, simple_design(N))

    assert found == pytest.approx(np.sqrt(p * (1 - p) / inside.size * N / (N - 1)))
