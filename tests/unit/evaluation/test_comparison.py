import numpy as np
import pytest

from evaluation.inference.bootstrap import Draws
from evaluation.inference.comparison import compare
from tests.support.cells import cell_of, nominal

N = 400
RNG = np.random.default_rng(7)
TRUTH = RNG.integers(0, 3, N)
WEIGHT = RNG.random(N) + 0.2
GOOD = np.where(RNG.random(N) < 0.7, TRUTH, 0)
POOR = np.where(RNG.random(N) < 0.4, TRUTH, 1)


def cells(**answers):
    made = {arm: cell_of(TRUTH, a, nominal(3), weight=WEIGHT, arm=arm) for arm, a in answers.items()}
    return {("q", arm): cell for arm, cell in made.items()}


def compared(made, pair=("good", "poor"), n_draws=400):
    return compare(made, [pair], Draws(N, n_draws, seed=1))


def test_discordant_pairs_and_difference_follow_from_the_answers():
    one, mean = compared(cells(good=GOOD, poor=POOR))
    right = [GOOD == TRUTH, POOR == TRUTH]

    assert (one.n10, one.n01) == ((right[0] & ~right[1]).sum(), (~right[0] & right[1]).sum())
    assert one.gaps[False].value == pytest.approx(right[0].mean() - right[1].mean())
    assert one.gaps[True].value == pytest.approx(np.average(right[0] * 1.0 - right[1], weights=WEIGHT))
    assert mean.question is None
    assert mean.gaps[True].value == pytest.approx(one.gaps[True].value)


def test_interval_is_paired_and_equals_resampling_the_rows_by_hand():
    draws = Draws(N, 300, seed=1)
    one, _ = compare(cells(good=GOOD, poor=POOR), [("good", "poor")], draws)
    counts = np.vstack(list(draws.blocks()))
    gap = (GOOD == TRUTH) * 1.0 - (POOR == TRUTH)
    by_hand = (counts * WEIGHT) @ gap / ((counts * WEIGHT).sum(axis=1))

    assert tuple(one.gaps[True].interval[:2]) == pytest.approx(tuple(np.percentile(by_hand, [2.5, 97.5])))
    assert tuple(one.gaps[True].within[:2]) == pytest.approx(tuple(np.percentile(by_hand, [5, 95])))


def test_respondents_of_one_arm_only_are_left_out_and_counted():
    made = cells(good=GOOD, poor=POOR)
    made[("q", "poor")] = made[("q", "poor")].where(np.arange(N) < 150)

    one, _ = compared(made)

    assert (one.n, one.n_only_a, one.n_only_b) == (150, 250, 0)
    assert one.gaps[False].value == pytest.approx((GOOD == TRUTH)[:150].mean() - (POOR == TRUTH)[:150].mean())


def test_same_answers_are_equivalent_and_different_ones_are_not():
    same, _ = compared(cells(good=GOOD, poor=GOOD))
    other, _ = compared(cells(good=GOOD, poor=POOR))

    assert same.is_equivalent(1, weighted=True)
    assert same.p == 1
    assert not other.is_equivalent(1, weighted=True)


def test_holm_runs_over_all_pairs_compared():
    made = cells(good=GOOD, poor=POOR, other=RNG.integers(0, 3, N))
    pairs = [("good", "poor"), ("good", "other"), ("poor", "other")]

    found = [c for c in compare(made, pairs, Draws(N, 100, seed=1)) if c.question == "q"]

    assert min(found, key=lambda c: c.p).p_holm == pytest.approx(min(1, 3 * min(c.p for c in found)))


def test_arms_without_a_common_respondent_are_not_compared():
    made = cells(good=GOOD, poor=POOR)
    made[("q", "good")] = made[("q", "good")].where(np.arange(N) < 100)
    made[("q", "poor")] = made[("q", "poor")].where(np.arange(N) >= 100)

    assert compared(made) == []
