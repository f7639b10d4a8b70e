"""Position bias: shares by place against what the options themselves explain."""

import numpy as np
import pytest

from evaluation.measures.positions import position_figures


def bias(orders, answers, codes=(1, 2, 3)):
    found = position_figures(np.array(orders), np.array(answers), list(codes))
    return {(metric, level): value for metric, level, value in found}


def test_nobody_leans_to_a_place_where_only_the_option_counts():
    rotations = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    found = bias(rotations * 10, [2, 2, 2] * 10)

    assert found["first_option_bias", None] == pytest.approx(0)
    assert found["position_share", "1"] == pytest.approx(1 / 3)


def test_always_the_first_is_two_thirds_beyond_what_the_options_explain():
    rotations = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    found = bias(rotations * 10, [1, 2, 3] * 10)

    assert found["position_share", "1"] == 1.0
    assert found["first_option_bias", None] == pytest.approx(2 / 3)


def test_popular_option_that_happens_to_stand_first_is_no_bias():
    found = bias([[1, 2]] * 9 + [[2, 1]], [1] * 10, codes=(1, 2))

    assert found["position_share", "1"] == pytest.approx(0.9)
    assert found["first_option_bias", None] == pytest.approx(0)


def test_no_reply_is_undefined():
    assert bias(np.zeros((0, 0), dtype=int), []) == {("first_option_bias", None): None}
