"""The worked vector of the specification, to six decimals."""

import numpy as np
import pytest

from evaluation.measures.distribution import distribution_figures, shares, stuart_maxwell
from evaluation.measures.measure import measure
from evaluation.reading.cells import ABSENT, Cell
from evaluation.reading.scale import Scale

SCALE = Scale((1, 2, 3), (1, 2, 3), ordinal=True, cut=1)
TRUTH = [1, 1, 2, 2, 2, 3, 3, 3, 1, 2]
ANSWER = [1, 2, 2, 2, 3, 3, 1, None, 1, 2]
WEIGHT = [2, 1, 1, 0.5, 1.5, 1, 1, 2, 0.5, 1]


@pytest.fixture(scope="module")
def measured():
    n = len(TRUTH)
    answer = np.array([ABSENT if a is None else a - 1 for a in ANSWER])
    cell = Cell(
        arm="a",
        question_id="q",
        scale=SCALE,
        respondent=np.arange(n),
        truth=np.array(TRUTH) - 1,
        truth_status=np.zeros(n, dtype=np.int64),
        answer=answer,
        status=np.where(answer == ABSENT, 1, 0),
        weight=np.array(WEIGHT),
        unit=np.ones(n),
        split=np.zeros(n, dtype=np.int64),
        in_sample=np.zeros(n, dtype=bool),
        simulated=np.zeros(n, dtype=bool),
    )
    return measure(cell)


@pytest.mark.parametrize(
    ("metric", "form", "unweighted", "weighted"),
    [
        ("coverage", None, 0.9, 0.826087),
        ("accuracy", "strict", 0.6, 0.521739),
        ("accuracy", "valid", 0.666667, 0.631579),
        ("macro_f1", "strict", 0.605556, 0.562882),
        ("macro_f1", "valid", 0.638889, 0.608466),
        ("weighted_f1", "strict", 0.62, 0.556299),
        ("weighted_f1", "valid", 0.666667, 0.637427),
        ("balanced_accuracy", "strict", 0.583333, 0.529762),
        ("kappa", "valid", 0.480769, 0.436441),
        ("quadratic_kappa", "valid", 0.386364, 0.418824),
        ("mae_rank", "valid", 0.444444, 0.473684),
        ("mae_rank", "strict", 0.6, 0.739130),
        ("adjacent_accuracy", "valid", 0.888889, 0.894737),
        ("adjacent_accuracy", "strict", 0.8, 0.739130),
        ("binary_cut_accuracy", "valid", 0.777778, 0.789474),
        ("binary_cut_accuracy", "strict", 0.7, 0.652174),
        ("cramers_v", "valid", 0.562114, 0.550510),
    ],
)
def test_figure_of_the_worked_vector_is_matched(measured, metric, form, unweighted, weighted):
    assert measured.value(metric, form, weighted=False) == pytest.approx(unweighted, abs=5e-7)
    assert measured.value(metric, form, weighted=True) == pytest.approx(weighted, abs=5e-7)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("tv", 0.084668),
        ("js_divergence", 0.006663),
        ("js_distance", 0.081629),
        ("w1", 0.074371),
        ("representativeness", 1 - 0.074371),
        ("entropy_ratio", 0.991230),
        ("variance_ratio", 0.954197),
    ],
)
def test_weighted_distribution_of_the_worked_vector_is_matched(measured, metric, value):
    assert measured.value(metric) == pytest.approx(value, abs=5e-7)


def test_shares_of_the_worked_vector_are_matched(measured):
    human = measured.humans[True]
    synthetic = shares(measured.tables[True][:, :-1].sum(axis=0))

    assert human == pytest.approx([0.304348, 0.347826, 0.347826], abs=5e-7)
    assert synthetic == pytest.approx([0.368421, 0.368421, 0.263158], abs=5e-7)


def test_stuart_maxwell_is_zero_when_margins_agree_though_answers_do_not(measured):
    assert stuart_maxwell(measured.tables[False][:, :-1]).value == pytest.approx(0)


def test_counts_of_the_worked_vector_add_up(measured):
    counts = {name: measured.value(name, weighted=False) for name in ("n_total", "n_eligible", "n_valid", "n_unparsed")}

    assert counts == {"n_total": 10, "n_eligible": 10, "n_valid": 9, "n_unparsed": 1}


def test_reordered_scale_changes_order_figures_and_nothing_else():
    p, s = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    straight = {f.metric: f.value for f in distribution_figures(p, s, SCALE) if f.level is None}
    turned = Scale((1, 2, 3), (1, 3, 2), ordinal=True)

    found = {f.metric: f.value for f in distribution_figures(p, s, turned) if f.level is None}

    assert found["tv"] == straight["tv"]
    assert straight["w1"] == pytest.approx(0.3)
    assert found["w1"] == pytest.approx(0.15)
