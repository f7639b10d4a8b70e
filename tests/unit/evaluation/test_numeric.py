"""Numeric questions: figures by hand, against numpy and scipy, baselines out of fold, flags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from evaluation.inference.bootstrap import Draws
from evaluation.measures.numeric import NumericCell, numeric_figures
from evaluation.measures.numeric_scores import (
    NOT_BETTER_THAN_LINEAR,
    WORSE_THAN_MEDIAN,
    score_numeric,
)
from evaluation.reading.cells import RunData
from evaluation.reading.sampling_design import SamplingDesign, design_of
from evaluation.rivals.numeric_baselines import LINEAR, MEDIAN, numeric_baselines
from schemas.evaluate import Evaluate

NONE = np.nan


def cell(truth, answer, weight=None, *, low=0.0, high=24.0, arm="a"):
    n = len(truth)
    zeros, no = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
    return NumericCell(
        arm=arm, question_id="q", low=low, high=high, respondent=np.arange(n),
        truth=np.asarray(truth, dtype=float), answer=np.asarray(answer, dtype=float),
        truth_status=zeros, status=np.where(np.isnan(answer), 1, 0),
        weight=np.ones(n) if weight is None else np.asarray(weight, dtype=float), unit=np.ones(n),
        split=zeros, in_sample=no, simulated=no,
    )  # fmt: skip


def figures(of, *, weighted):
    return {(f.metric, f.form): f for f in numeric_figures(of, weighted=weighted)}


def test_figures_of_a_small_example_by_hand():
    # people 2, 4, 10, (no answer); predictions 3, 8, nothing, 5; weights 1, 1, 2, 9
    found = figures(cell([2, 4, 10, NONE], [3, 8, NONE, 5], [1, 1, 2, 9]), weighted=True)

    assert found["coverage", None].value == pytest.approx(2 / 4)
    assert found["mae", "valid"].value == pytest.approx((1 + 4) / 2)
    assert found["mae", "strict"].value == pytest.approx((1 + 4 + 2 * 14) / 4)
    assert found["mae_normalised", "strict"].value == pytest.approx(33 / 4 / 24)
    assert found["rmse", "valid"].value == pytest.approx(((1 + 16) / 2) ** 0.5)
    assert found["mean_human", None].value == pytest.approx((2 + 4 + 20) / 4)
    assert found["mean_synthetic", None].value == pytest.approx(5.5)
    assert found["mean_difference", None].value == pytest.approx(-1.0)


def test_undefined_figures_say_why():
    constant = figures(cell([1, 2, 3], [4, 4, 4]), weighted=False)
    nobody = figures(cell([NONE, NONE], [4, 4]), weighted=False)

    assert constant["correlation", "valid"].reason == "predictions are one number"
    assert constant["sd_ratio", None].value == 0.0
    assert nobody["mae", "strict"].value is None
    assert nobody["w1", None].reason


NUMBERS = st.lists(
    st.tuples(st.integers(0, 24), st.integers(0, 24), st.integers(1, 40).map(lambda n: n / 10)),
    min_size=3,
    max_size=30,
)


@given(NUMBERS)
def test_figures_agree_with_numpy_and_scipy(rows):
    y, f, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))

    found = figures(cell(y, f, w), weighted=True)

    assert found["mae", "valid"].value == pytest.approx(np.average(np.abs(f - y), weights=w))
    assert found["w1_units", None].value == pytest.approx(wasserstein_distance(y, f, w, w), abs=1e-9)
    if np.ptp(y) > 0 and np.ptp(f) > 0:
        covariance = np.cov(y, f, aweights=w)
        wanted = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        assert found["correlation", "valid"].value == pytest.approx(wanted, abs=1e-9)
        ratio = np.sqrt(covariance[1, 1] / covariance[0, 0])
        assert found["sd_ratio", None].value == pytest.approx(ratio, rel=1e-9)


def people(n=400):
    """Numbers that a field explains in part."""
    rng = np.random.default_rng(3)
    group = rng.integers(1, 4, n)
    truth = np.clip(np.round(4.0 * group + rng.normal(0, 2, n)), 0, 24)
    return [f"r{i}" for i in range(n)], {"GROUP": group.astype(np.int64)}, truth


def scored(answer, truth, ids, fields):
    own = cell(truth, answer)
    run = RunData(
        run_id="r", study="s", n_draws=200, respondent_ids=ids, fields=fields, numeric_fields=frozenset(),
        scales={}, cells={}, design=design_of([None] * len(ids), [None] * len(ids)), settings=Evaluate(),
        numeric={("q", "a"): own},
    )  # fmt: skip
    assert isinstance(run.design, SamplingDesign)
    baselines = numeric_baselines(run.numeric, ids, fields, frozenset())
    return score_numeric(run, baselines, "all", Draws(len(ids), 200, 1))


def test_regression_on_the_persona_beats_the_median_where_a_field_explains_numbers():
    ids, fields, truth = people()

    scores = scored(truth, truth, ids, fields)

    assert scores["q", LINEAR].value("mae", "strict") < scores["q", MEDIAN].value("mae", "strict")
    assert scores["q", LINEAR].value("correlation", "valid") > 0.7


def test_own_fold_is_never_seen():
    ids, fields, truth = people(60)
    changed = truth.copy()
    changed[7] = 24.0

    before, after = (
        numeric_baselines({("q", "a"): cell(t, t)}, ids, fields, frozenset())["q", LINEAR] for t in (truth, changed)
    )

    assert before.answer[7] == after.answer[7]
    assert not np.array_equal(before.answer, after.answer)


def test_constant_arm_is_flagged_and_a_perfect_one_is_not():
    ids, fields, truth = people()

    bad = scored(np.full(len(ids), 20.0), truth, ids, fields)["q", "a"]
    good = scored(truth, truth, ids, fields)["q", "a"]

    assert {"EQUALS_CONSTANT", "COLLAPSED", WORSE_THAN_MEDIAN, NOT_BETTER_THAN_LINEAR} <= set(bad.flags)
    assert good.flags == ()
    assert good.row("mae", "strict").interval.high == 0.0
