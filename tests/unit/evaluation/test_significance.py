import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from evaluation.inference.intervals import wilson
from evaluation.inference.significance import holm, mcnemar_p, smallest_detectable_difference, two_proportion_p


def test_holm_of_the_worked_vector():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_mcnemar_of_the_worked_vector():
    assert mcnemar_p(8, 2) == pytest.approx(0.109375, abs=5e-7)
    assert mcnemar_p(0, 0) == 1


def test_wilson_of_the_worked_vector():
    found = wilson(0.6, 10)

    assert (found.low, found.high) == pytest.approx((0.312674, 0.831820), abs=5e-7)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_statsmodels(n10, n01):
    expected = mcnemar([[1, n10], [n01, 1]], exact=True).pvalue if n10 + n01 else 1.0

    assert mcnemar_p(n10, n01) == pytest.approx(min(1.0, expected))


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_holm_agrees_with_statsmodels(n):
    p_values = np.random.default_rng(n).random(n).round(1) ** 3

    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


@given(st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_statsmodels(case):
    hits, n = case

    found = wilson(hits / n, n)

    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-9)


def test_two_proportions_agree_with_statsmodels():
    expected = proportions_ztest(np.array([40, 55]), np.array([90, 100]))[1]

    assert two_proportion_p(40, 90, 55, 100) == pytest.approx(expected)
    assert two_proportion_p(5, 5, 9, 9) == 1


def test_smallest_detectable_difference_shrinks_with_the_sample():
    assert smallest_detectable_difference(8, 2, 100) == pytest.approx(1.96 * np.sqrt(10) / 100, abs=1e-4)
    assert np.isnan(smallest_detectable_difference(0, 0, 0))
