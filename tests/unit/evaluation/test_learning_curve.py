import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from evaluation.reading.cells import ABSENT, MISSING_CODE
from evaluation.rivals.boosting import boosted_out_of_fold, tree_features
from evaluation.rivals.features import one_hot
from evaluation.rivals.folds import folds_of
from evaluation.rivals.learning_curve import LearningCurve, learning_curve
from evaluation.rivals.logit import fit_out_of_fold
from tests.support.cells import cell_of, nominal

N = 800
IDS = [f"r{i}" for i in range(N)]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(5)
    fields = {name: rng.integers(1, 5, N) for name in ("A", "B", "C")}
    score = fields["A"] + fields["B"] - 5 + rng.normal(0, 1.5, N)
    truth = np.digitize(score, [-1, 1])
    features, folds = one_hot(fields, frozenset()), folds_of(IDS)
    full = fit_out_of_fold(features, truth, folds, 3).probabilities
    return truth, learning_curve(features, truth, folds, 3, IDS, full), full


def equivalent(curve, truth, answer, p=None, metric="accuracy"):
    cell = cell_of(truth, answer, nominal(3), probabilities=p)
    own = {w: float((answer == truth).mean()) for w in (True, False)}
    return curve.equivalent(cell, own, metric, weighted=False)


def test_curve_doubles_up_to_all_training_answers(made):
    _, curve, full = made

    assert curve.sizes == [25, 50, 100, 200, 400, 640]
    assert curve.probabilities[-1] is full


def test_arm_as_good_as_half_the_logit_is_worth_about_half_the_answers(made):
    truth, curve, _ = made
    middle = curve.probabilities[2].argmax(axis=1)

    assert equivalent(curve, truth, middle).value == pytest.approx(100, rel=0.01)


def test_arm_beyond_the_curve_says_so_instead_of_a_number(made):
    truth, curve, _ = made

    above, below = equivalent(curve, truth, truth), equivalent(curve, truth, np.full(N, 9))

    assert above.value is None
    assert "even with all 640" in above.reason
    assert "25 answers or fewer" in below.reason


def test_log_loss_needs_probabilities():
    curve = LearningCurve([25, 50], [np.full((4, 2), 0.5)] * 2)

    found = curve.equivalent(cell_of([0, 1, 0, 1], [0, 1, 0, 1], nominal(2)), {True: None}, "log_loss", weighted=True)

    assert found.reason == "the arm has no log loss"


def test_boosted_trees_find_an_interaction_that_the_logit_cannot():
    rng = np.random.default_rng(1)
    fields = {"A": rng.integers(0, 2, N), "B": rng.integers(0, 2, N)}
    truth = np.where(rng.random(N) < 0.9, fields["A"] ^ fields["B"], 0)
    folds = folds_of(IDS)

    trees = boosted_out_of_fold(*tree_features(fields, frozenset()), truth, folds, 2).argmax(axis=1)
    logit = fit_out_of_fold(one_hot(fields, frozenset()), truth, folds, 2).probabilities.argmax(axis=1)

    assert (trees == truth).mean() > 0.9 > (logit == truth).mean() + 0.2


def test_boosted_trees_bear_missing_values_and_unseen_answers():
    rng = np.random.default_rng(2)
    fields = {"A": np.where(rng.random(60) < 0.3, MISSING_CODE, rng.integers(1, 4, 60)), "B": np.full(60, MISSING_CODE)}
    truth = np.where(np.arange(60) < 5, ABSENT, 1)

    p = boosted_out_of_fold(*tree_features(fields, frozenset({"A"})), truth, folds_of(IDS[:60]), 3)

    assert np.isnan(p[:5]).all()
    assert (p[5:] == [0, 1, 0]).all()
