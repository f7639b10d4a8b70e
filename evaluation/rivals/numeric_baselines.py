"""Baselines of numeric questions, out of fold: the median of the others, and ridge regression on the persona fields."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from evaluation.arrays import FloatArray, IntArray
from evaluation.measures.numeric import NumericCell
from evaluation.reading.cells import STATUSES
from evaluation.rivals.features import one_hot
from evaluation.rivals.folds import N_FOLDS, folds_of

MEDIAN = "baseline:median"
LINEAR = "baseline:linear"
NUMERIC_BASELINES = (MEDIAN, LINEAR)
PENALTY = 1.0
"""Added to each one-hot column's sum of squares; the intercept is not penalised."""


def numeric_baselines(
    cells: Mapping[tuple[str, str], NumericCell],
    ids: list[str],
    fields: Mapping[str, IntArray],
    numeric_fields: frozenset[str],
) -> dict[tuple[str, str], NumericCell]:
    """(question, baseline) -> its cell, for everybody whom some arm was asked about.

    Fitted without weights on all human answers of the run, never on the respondent predicted.
    """
    if not cells:
        return {}
    features, folds = one_hot(fields, numeric_fields), folds_of(ids)
    found: dict[tuple[str, str], NumericCell] = {}
    for question in dict.fromkeys(question for question, _ in cells):
        base = _everyone([cell for (q, _), cell in cells.items() if q == question])
        truth = np.full(len(ids), np.nan)
        truth[base.respondent] = base.truth
        for name, predicted in _fitted(features, truth, folds):
            answer = np.clip(predicted[base.respondent], base.low, base.high)
            found[question, name] = replace(base, arm=name, answer=answer)
    return found


def _everyone(cells: list[NumericCell]) -> NumericCell:
    """One row for each respondent of any cell, once, with full weight."""
    seen: set[int] = set()
    pieces = []
    for cell in cells:
        _, first = np.unique(cell.respondent, return_index=True)
        new = np.array([i for i in first if int(cell.respondent[i]) not in seen], dtype=np.int64)
        seen.update(map(int, cell.respondent[new]))
        part = cell.where(new)
        pieces.append(replace(part, weight=part.weight / part.unit, unit=np.ones(new.size)))
    joined = pieces[0] if len(pieces) == 1 else _joined(pieces)
    whole = joined.where(np.argsort(joined.respondent, kind="stable"))
    n = whole.respondent.size
    plain = np.zeros(n, dtype=np.bool_)
    return replace(whole, status=np.full(n, STATUSES.index("answered")), in_sample=plain, simulated=plain)


def _joined(pieces: list[NumericCell]) -> NumericCell:
    names = [name for name, value in vars(pieces[0]).items() if isinstance(value, np.ndarray)]
    arrays: dict[str, Any] = {name: np.concatenate([vars(p)[name] for p in pieces]) for name in names}
    return replace(pieces[0], **arrays)


def _fitted(features: sparse.csr_matrix, truth: FloatArray, folds: IntArray) -> Iterator[tuple[str, FloatArray]]:
    median, linear = np.full(truth.size, np.nan), np.full(truth.size, np.nan)
    for fold in range(N_FOLDS):
        train, held = (folds != fold) & np.isfinite(truth), folds == fold
        if not train.any():
            continue
        median[held] = np.median(truth[train])
        linear[held] = ridge(features[train], truth[train], features[held])
    yield MEDIAN, median
    yield LINEAR, linear


def ridge(x: sparse.csr_matrix, y: FloatArray, wanted: sparse.csr_matrix) -> FloatArray:
    """Ridge regression with an intercept: columns and answers are centred, then (X'X + I) b = X'y."""
    means = np.asarray(x.mean(axis=0)).ravel()
    n = x.shape[0]
    gram = np.asarray((x.T @ x).todense()) - n * np.outer(means, means)
    beta = np.linalg.solve(gram + PENALTY * np.eye(means.size), x.T @ y - n * means * y.mean())
    predicted: FloatArray = y.mean() + np.asarray(wanted @ beta).ravel() - means @ beta
    return predicted
