import numpy as np
import pytest

from evaluation.worth.value import classical, ppi, ppi_known_probability, worth

Y = np.array([1, 0, 1, 1, 0, 1.0])
G = np.array([1, 0, 1, 0, 0, 1.0])
REST = np.array([1, 1, 0, 0, 1, 0, 1, 1, 0, 1.0])


def test_worked_vector_of_the_specification():
    found = ppi(Y, G, np.ones(6), REST, np.ones(10))

    assert found.lam == pytest.approx(0.396825, abs=5e-7)
    assert found.share == pytest.approx(0.706349, abs=5e-7)


@pytest.mark.parametrize("seed", range(5))
def test_estimate_and_interval_agree_with_ppi_python(seed):
    import ppi_py

    rng = np.random.default_rng(seed)
    n, n_rest = 60 + 40 * seed, 900
    y, rest = (rng.random(n) < 0.3) * 1.0, rng.random(n_rest)
    g = np.clip(0.6 * y + 0.4 * rng.random(n), 0, 1)

    found = ppi(y, g, np.ones(n), rest, np.ones(n_rest))

    assert found.share == pytest.approx(ppi_py.ppi_mean_pointestimate(y, g, rest).item(), abs=1e-8)
    low, high = ppi_py.ppi_mean_ci(y, g, rest, alpha=0.05)
    assert tuple(found.interval[:2]) == pytest.approx((low.item(), high.item()), abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_estimate_agrees_with_ppi_python_for_the_same_trust(seed):
    import ppi_py

    rng = np.random.default_rng(seed)
    y, g, rest = (rng.random(80) < 0.5) * 1.0, rng.random(80), rng.random(400)
    w, w_rest = rng.gamma(2, 0.5, 80), rng.gamma(2, 0.5, 400)

    found = ppi(y, g, w, rest, w_rest, lam=0.4)

    expected = ppi_py.ppi_mean_pointestimate(y, g, rest, lam=0.4, w=w, w_unlabeled=w_rest)
    assert found.share == pytest.approx(np.asarray(expected).item(), abs=1e-8)


def test_constant_prediction_is_worth_exactly_nothing():
    rng = np.random.default_rng(0)
    y, w = (rng.random(500) < 0.4) * 1.0, rng.gamma(2, 0.5, 500)

    found, known = worth(y, np.full(500, 0.3), w, 100, 400), ppi(y, np.ones(500), w, np.ones(90), np.ones(90))

    assert (found.ess, found.lam) == (1.0, 0.0)
    assert known == classical(y, w)


def test_ess_follows_from_the_correlation():
    rng = np.random.default_rng(1)
    y = (rng.random(20_000) < 0.5) * 1.0
    g = np.where(rng.random(20_000) < 0.85, y, 1 - y)

    found = worth(y, g, np.ones(20_000), 500, 4500)

    assert found.ess == pytest.approx(1 / (1 - found.rho**2 * 0.9))
    assert found.rho == pytest.approx(0.7, abs=0.02)
    assert found.ess == pytest.approx(1.8, abs=0.06)


def test_prediction_against_the_truth_is_ignored_and_full_trust_in_it_is_worse_than_nothing():
    rng = np.random.default_rng(2)
    y = (rng.random(2000) < 0.5) * 1.0

    found = worth(y, 1 - y, np.ones(2000), 200, 1800)

    assert (found.ess, found.lam) == (1.0, 0.0)
    assert found.ess_of_full_trust < 0.5


def test_equal_labelling_probabilities_give_the_estimate_of_a_random_sample():
    rng = np.random.default_rng(3)
    m, n = 4000, 800
    y = (rng.random(m) < 0.4) * 1.0
    g, w = np.clip(0.5 * y + 0.5 * rng.random(m), 0, 1), rng.gamma(4, 0.25, m)
    labelled = np.zeros(m, dtype=bool)
    labelled[rng.choice(m, n, replace=False)] = True

    known = ppi_known_probability(y, g, w, labelled, np.full(m, n / m))
    plain = ppi(y[labelled], g[labelled], w[labelled], g[~labelled], w[~labelled])

    assert known.share == pytest.approx(plain.share, abs=0.003)
    assert known.se == pytest.approx(plain.se, rel=0.05)


def test_unequal_probabilities_are_unbiased_and_cover():
    rng = np.random.default_rng(4)
    m = 3000
    probability = rng.uniform(0.05, 0.5, m)
    hits = []
    for _ in range(400):
        y = (rng.random(m) < 0.2 + probability) * 1.0
        g = np.where(rng.random(m) < 0.8, y, 1 - y)
        found = ppi_known_probability(y, g, np.ones(m), rng.random(m) < probability, probability)
        hits.append(found.interval.low <= 0.475 <= found.interval.high)

    assert np.mean(hits) == pytest.approx(0.95, abs=0.03)
