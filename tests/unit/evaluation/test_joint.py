import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats.contingency import association as scipy_association

from evaluation.measures.joint import association, joints
from evaluation.reading.cells import ABSENT
from tests.support.cells import cell_of, nominal

N = 500
RNG = np.random.default_rng(4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=2, max_size=60))
def test_association_agrees_with_scipy(pairs):
    a, b = np.array(pairs).T
    table = np.zeros((4, 3), dtype=int)
    np.add.at(table, (a, b), 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]

    found = association(a, b, np.ones(len(pairs)))

    if min(table.shape) < 2:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(scipy_association(table, method="cramer"), abs=1e-9)


def test_predictions_that_follow_a_field_show_a_positive_gap():
    field = RNG.integers(0, 3, N)
    truth = np.where(RNG.random(N) < 0.3, field, RNG.integers(0, 3, N))

    (one,) = joints({"q": cell_of(truth, field, nominal(3))}, {"F": field}, N, weighted=True)

    assert one.synthetic == pytest.approx(1)
    assert one.gap == pytest.approx(1 - one.human)


def test_constant_answers_have_no_gap():
    truth = RNG.integers(0, 3, N)

    (one,) = joints({"q": cell_of(truth, np.zeros(N, int), nominal(3))}, {"F": truth}, N, weighted=True)

    assert math.isnan(one.gap)
    assert one.human == pytest.approx(1)


def test_only_people_with_both_answers_and_both_predictions_count():
    truth = RNG.integers(0, 2, (2, N))
    answer = truth.copy()
    truth[0, :100], answer[1, 100:150] = ABSENT, ABSENT
    cells = {q: cell_of(truth[i], answer[i], nominal(2)) for i, q in enumerate("ab")}

    pair = next(j for j in joints(cells, {}, N, weighted=False) if j.kind == "questions")

    assert pair.n == N - 150
    assert pair.gap == pytest.approx(0)
