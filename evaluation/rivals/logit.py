"""The demographic multinomial logit, fitted out of fold: what a plain model makes of the persona fields."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from evaluation.arrays import FloatArray, IntArray
from evaluation.reading.cells import ABSENT
from evaluation.rivals.folds import N_FOLDS

INVERSE_PENALTY = 1.0
MAX_ITERATIONS = 1000


class OutOfFold(NamedTuple):
    """Probabilities by a model that has not seen the respondent.

    Attributes:
        probabilities: shape (R, K); NaN for respondents without a truth.
        n_unconverged: folds whose fit stopped at MAX_ITERATIONS.
    """

    probabilities: FloatArray
    n_unconverged: int


def fit_out_of_fold(features: sparse.csr_matrix, truth: IntArray, folds: IntArray, k: int) -> OutOfFold:
    """Fit on four folds, unweighted, and predict the fifth, for each fold.

    Args:
        features: shape (R, P).
        truth: shape (R,), positions 0..k-1 or ABSENT.
        folds: shape (R,), 0..4.
        k: number of codes; a code that no training respondent gave gets probability 0.
    """
    probabilities = np.full((len(truth), k), np.nan)
    n_unconverged = 0
    for fold in range(N_FOLDS):
        train = np.flatnonzero((truth != ABSENT) & (folds != fold))
        held_out = np.flatnonzero((truth != ABSENT) & (folds == fold))
        if held_out.size:
            p, converged = predicted(features, truth, train, held_out, k)
            probabilities[held_out] = p
            n_unconverged += not converged
    return OutOfFold(probabilities, n_unconverged)


def predicted(
    features: sparse.csr_matrix, truth: IntArray, train: IntArray, held_out: IntArray, k: int
) -> tuple[FloatArray, bool]:
    """Probabilities of the held-out respondents, and whether the fit converged."""
    classes = np.unique(truth[train])
    p = np.zeros((held_out.size, k))
    if not classes.size:
        return p + 1 / k, True
    if classes.size == 1 or not held_out.size:
        p[:, classes[0]] = 1.0
        return p, True
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=MAX_ITERATIONS, solver="lbfgs")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(features[train], truth[train])
    p[:, classes] = model.predict_proba(features[held_out])
    return p, not any(issubclass(w.category, ConvergenceWarning) for w in caught)
