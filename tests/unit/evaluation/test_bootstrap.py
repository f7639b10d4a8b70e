import math

import numpy as np
import pytest

from evaluation.inference.bootstrap import Columns, Draws, percentile_interval
from evaluation.inference.paired import resample
from tests.support.cells import cell_of, nominal


def test_every_draw_counts_as_many_respondents_as_there_are():
    blocks = list(Draws(50, 300, seed=1).blocks())

    counts = np.vstack(blocks)

    assert counts.shape == (300, 50)
    assert (counts.sum(axis=1) == 50).all()


def test_draws_do_not_depend_on_how_many_are_held_at_once(monkeypatch):
    whole = np.vstack(list(Draws(40, 30, seed=3).blocks()))
    monkeypatch.setattr("evaluation.inference.bootstrap._COUNTS_AT_ONCE", 7 * 40)

    pieces = np.vstack(list(Draws(40, 30, seed=3).blocks()))

    assert (pieces == whole).all()


def test_resampled_sum_equals_the_sum_over_copied_rows():
    rng = np.random.default_rng(0)
    mass, draws = rng.random(20), Draws(20, 10, seed=5)
    columns = Columns(20)
    columns.add("mass", np.arange(20), mass)

    found = columns.resampled(draws)["mass"]

    copied = [np.repeat(mass, counts.astype(int)).sum() for block in draws.blocks() for counts in block]
    assert found == pytest.approx(copied)


def test_equal_columns_are_kept_once():
    columns = Columns(3)
    for name in ("a", "b", "c"):
        columns.add(name, np.arange(3), np.ones(3))

    assert columns.summed().sums.shape == (1, 1)


def test_interval_of_accuracy_is_near_the_binomial_one():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 2000)
    answer = np.where(rng.random(2000) < 0.7, truth, 1 - truth)
    cell = cell_of(truth, answer, nominal(2))

    paired = resample({("q", "a"): cell}, {("q", "a"): {}}, Draws(2000, 1000, seed=2))
    found, interval = paired.accuracy("a", "q", weighted=False)

    half = 1.96 * math.sqrt(found.value * (1 - found.value) / 2000)
    assert interval.low == pytest.approx(found.value - half, abs=0.003)
    assert interval.high == pytest.approx(found.value + half, abs=0.003)


def test_difference_to_an_identical_rival_is_exactly_zero_in_every_draw():
    truth = np.tile([0, 1, 1], 100)
    cell = cell_of(truth, np.ones(300), nominal(2))

    paired = resample({("q", "a"): cell}, {("q", "a"): {"rival": cell}}, Draws(300, 200, seed=2))
    found, interval = paired.difference("a", "rival", "q", weighted=True)

    assert (found.value, interval.low, interval.high) == (0, 0, 0)


def test_mean_over_questions_weighs_questions_alike_and_pooled_weighs_cases():
    small = cell_of([0] * 10, [0] * 10, nominal(2))
    large = cell_of([0] * 90, [1] * 90, nominal(2))

    paired = resample(
        {("small", "a"): small, ("large", "a"): large},
        {("small", "a"): {}, ("large", "a"): {}},
        Draws(90, 100, seed=2),
    )

    assert paired.accuracy("a", None, weighted=False)[0].value == pytest.approx(0.5)
    assert paired.accuracy("a", "*pooled", weighted=False)[0].value == pytest.approx(0.1)


def test_interval_is_none_when_most_draws_leave_the_figure_undefined():
    values = np.array([0.5, np.nan, np.nan, np.nan])

    assert percentile_interval(values, "m") is None
