"""Agreement with scikit-learn and scipy wherever they define the same figure, over random cells."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, wasserstein_distance
from sklearn import metrics

from evaluation.measures.distribution import entropy_bits, js_divergence, wasserstein
from evaluation.measures.measure import measure
from evaluation.measures.probability import brier, log_loss
from evaluation.reading.cells import ABSENT
from tests.support.cells import cell_of, ordinal

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cells(draw, valid_only=True):
    k = draw(st.integers(2, 5))
    n = draw(st.integers(2, 40))
    position = st.integers(0, k - 1)
    truth = draw(st.lists(position, min_size=n, max_size=n))
    answer = draw(st.lists(position if valid_only else st.integers(ABSENT, k - 1), min_size=n, max_size=n))
    weight = draw(st.lists(st.floats(0.05, 5), min_size=n, max_size=n))
    return cell_of(truth, answer, ordinal(k), weight=weight)


def _theirs(cell, weighted):
    return cell.truth, cell.answer, {"sample_weight": cell.weight if weighted else None}


def _close(found, expected):
    assert found == pytest.approx(expected, abs=1e-9)


@QUICK
@given(cells(), st.booleans())
def test_accuracy_and_f1_agree_with_scikit_learn(cell, weighted):
    truth, answer, extra = _theirs(cell, weighted)
    labels = list(range(cell.scale.k))
    ours = measure(cell)

    _close(ours.value("accuracy", "valid", weighted=weighted), metrics.accuracy_score(truth, answer, **extra))
    for average in ("macro", "weighted"):
        theirs = metrics.f1_score(truth, answer, labels=labels, average=average, zero_division=0, **extra)
        _close(ours.value(f"{average}_f1", "valid", weighted=weighted), theirs)


@QUICK
@given(cells(), st.booleans())
def test_kappas_agree_with_scikit_learn(cell, weighted):
    truth, answer, extra = _theirs(cell, weighted)
    labels = list(range(cell.scale.k))
    ours = measure(cell)
    if len(set(truth) | set(answer)) == 1:
        assert ours.value("kappa", "valid", weighted=weighted) is None
        return

    _close(ours.value("kappa", "valid", weighted=weighted), metrics.cohen_kappa_score(truth, answer, **extra))
    theirs = metrics.cohen_kappa_score(truth, answer, labels=labels, weights="quadratic", **extra)
    _close(ours.value("quadratic_kappa", "valid", weighted=weighted), theirs)


@QUICK
@given(cells(), st.booleans())
def test_distance_and_balanced_accuracy_agree_with_scikit_learn(cell, weighted):
    truth, answer, extra = _theirs(cell, weighted)
    ours = measure(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a predicted code that nobody gave
        balanced = metrics.balanced_accuracy_score(truth, answer, **extra)

    _close(ours.value("balanced_accuracy", "valid", weighted=weighted), balanced)
    _close(ours.value("mae_rank", "valid", weighted=weighted), metrics.mean_absolute_error(truth, answer, **extra))


@QUICK
@given(cells(valid_only=False))
def test_strict_accuracy_counts_a_missing_answer_as_wrong(cell):
    ours = measure(cell)

    _close(ours.value("accuracy", "strict", weighted=False), float(np.mean(cell.truth == cell.answer)))
    by_hand = float(cell.weight @ (cell.truth == cell.answer) / cell.weight.sum())
    _close(ours.value("accuracy", "strict"), by_hand)


@QUICK
@given(cells(valid_only=False))
def test_every_figure_is_a_finite_number_or_has_a_reason(cell):
    for found in measure(cell).figures.values():
        assert (found.value is None) == (found.reason is not None)
        assert found.value is None or math.isfinite(found.value)


@QUICK
@given(st.integers(2, 5), st.integers(2, 30), st.integers(0, 10_000))
def test_log_loss_and_brier_agree_with_scikit_learn(k, n, seed):
    rng = np.random.default_rng(seed)
    p, truth, mass = rng.dirichlet(np.ones(k), n), rng.integers(0, k, n), rng.random(n) + 0.1
    labels = list(range(k))

    _close(log_loss(p, truth, mass), metrics.log_loss(truth, p, labels=labels, sample_weight=mass))
    one_hot = np.eye(k)[truth]
    _close(brier(p, truth, mass), float(mass @ ((p - one_hot) ** 2).sum(axis=1) / mass.sum()))


@QUICK
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_distribution_distances_agree_with_scipy(k, seed):
    rng = np.random.default_rng(seed)
    p, s = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k))
    ranks = np.arange(k)

    _close(js_divergence(p, s), jensenshannon(p, s, base=2) ** 2)
    _close(wasserstein(p, s), wasserstein_distance(ranks, ranks, p, s) / (k - 1))
    _close(entropy_bits(p), entropy(p, base=2))
