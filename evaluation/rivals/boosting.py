"""Gradient-boosted trees on the persona fields, out of fold: what a model with interactions makes of them."""

import warnings
from collections.abc import Mapping, Set

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from evaluation.arrays import FloatArray, IntArray
from evaluation.reading.cells import ABSENT, MISSING_CODE
from evaluation.rivals.folds import FOLD_SEED, N_FOLDS

LEARNING_RATE = 0.1
N_TREES = 40
MAX_LEAVES = 8
MIN_LEAF = 20
MAX_LEVELS = 64
"""A category with more levels than this is split by its order, as the library holds few categories only."""


def tree_features(fields: Mapping[str, IntArray], numeric: Set[str]) -> tuple[FloatArray, list[bool]]:
    """One column a field, and which columns are categories; NaN where missing.

    Returns:
        Shape (R, F), and F booleans. Categories are numbered 0.. in the order of their codes.
    """
    columns, categorical = [], []
    for name, codes in fields.items():
        present = codes != MISSING_CODE
        levels, index = np.unique(codes[present], return_inverse=True)
        is_category = name not in numeric and levels.size <= MAX_LEVELS
        column = np.full(codes.size, np.nan)
        column[present] = index if is_category else codes[present]
        columns.append(column)
        categorical.append(is_category)
    return np.column_stack(columns), categorical


def boosted_out_of_fold(
    features: FloatArray, categorical: list[bool], truth: IntArray, folds: IntArray, k: int
) -> FloatArray:
    """Probabilities of each respondent by a model of the other folds, shape (R, K); NaN without a truth.

    Args:
        features: shape (R, F) from `tree_features`.
        categorical: F booleans.
        truth: shape (R,), positions 0..k-1 or ABSENT.
        folds: shape (R,), 0..4.
        k: number of codes; a code that no training respondent gave gets probability 0.
    """
    probabilities = np.full((truth.size, k), np.nan)
    for fold in range(N_FOLDS):
        train = np.flatnonzero((truth != ABSENT) & (folds != fold))
        held_out = np.flatnonzero((truth != ABSENT) & (folds == fold))
        if held_out.size:
            probabilities[held_out] = _predicted(features, categorical, truth, train, held_out, k)
    return probabilities


def _predicted(
    features: FloatArray, categorical: list[bool], truth: IntArray, train: IntArray, held_out: IntArray, k: int
) -> FloatArray:
    classes = np.unique(truth[train])
    p = np.zeros((held_out.size, k))
    if classes.size < 2:
        p[:, classes] = 1.0
        return p if classes.size else p + 1 / k
    model = HistGradientBoostingClassifier(
        learning_rate=LEARNING_RATE,
        max_iter=N_TREES,
        max_leaf_nodes=MAX_LEAVES,
        min_samples_leaf=MIN_LEAF,
        categorical_features=categorical,
        early_stopping=False,
        random_state=FOLD_SEED,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a column that is all missing has nothing to be binned
        model.fit(features[train], truth[train])
        p[:, classes] = model.predict_proba(features[held_out])
    return p
