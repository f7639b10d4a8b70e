import math

import numpy as np
import pytest

from survey.drafting.association import cramers_v, tenths


def test_v_of_a_copy_is_one_and_of_a_shuffle_near_zero():
    codes = np.arange(3000) % 5
    shuffled = np.random.default_rng(1).permutation(codes)

    assert cramers_v(codes, codes) == pytest.approx(1, abs=1e-9)
    assert cramers_v(codes, shuffled) < 0.05


def test_v_equals_a_hand_computed_table():
    one = np.repeat([0, 0, 1, 1], [30, 10, 10, 50])
    other = np.repeat([0, 1, 0, 1], [30, 10, 10, 50])
    phi2 = (30 * 50 - 10 * 10) ** 2 / (40 * 60 * 40 * 60)
    corrected, left = phi2 - 1 / 99, 2 - 1 / 99

    assert cramers_v(one, other) == pytest.approx(math.sqrt(corrected / (left - 1)))


def test_v_of_a_constant_is_no_number():
    assert math.isnan(cramers_v(np.zeros(10, np.int64), np.arange(10)))


def test_tenths_keep_equal_numbers_together():
    found = tenths(np.array([1.0] * 50 + list(range(2, 52))))

    assert len(set(found[:50])) == 1
    assert found.max() <= 9
