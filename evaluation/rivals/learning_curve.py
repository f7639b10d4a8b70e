"""The learning curve of the logit: how many human answers it needs to be as good as an arm."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from evaluation.arrays import FloatArray, IntArray
from evaluation.figures import Figure, figure
from evaluation.measures.probability import log_loss
from evaluation.reading.cells import ABSENT, Cell
from evaluation.rivals.folds import N_FOLDS
from evaluation.rivals.logit import predicted
from schemas.identity import unit_draw

SMALLEST_SAMPLE = 25
FACTOR = 2
CURVE_SEED = 2


@dataclass(frozen=True)
class LearningCurve:
    """Out-of-fold probabilities of the logit by size of its training sample.

    Attributes:
        sizes: training answers, ascending; the last is all of four folds.
        probabilities: one array (R, K) a size; NaN without a truth.
    """

    sizes: list[int]
    probabilities: list[FloatArray]

    def equivalent(self, cell: Cell, own: Mapping[bool, float | None], metric: str, *, weighted: bool) -> Figure:
        """Training answers at which the logit is as good as an arm on the arm's own respondents.

        Args:
            cell: the arm's.
            own: weighted -> the arm's log loss or strict accuracy; None if it has none.
            metric: `log_loss` or `accuracy`.
            weighted: scored with survey weights; the fits never are.
        """
        name, value = "equivalent_n" if metric == "accuracy" else "equivalent_n_log_loss", own[weighted]
        if value is None:
            return Figure(name, None, f"the arm has no {metric.replace('_', ' ')}")
        rows, first = np.unique(cell.respondent[cell.eligible], return_index=True)
        truth, mass = cell.truth[cell.eligible][first], (cell.mass(weighted=weighted) / cell.unit)[cell.eligible][first]
        scores = [_goodness(p[rows], truth, mass, metric) for p in self.probabilities]
        target = value if metric == "accuracy" else -value
        return _crossing(name, self.sizes, np.maximum.accumulate(scores), target)


def learning_curve(
    features: sparse.csr_matrix, truth: IntArray, folds: IntArray, k: int, ids: list[str], full: FloatArray
) -> LearningCurve:
    """Fit the logit on nested samples of the training folds, doubling from 25.

    Args:
        features: shape (R, P).
        truth: shape (R,), positions or ABSENT.
        folds: shape (R,).
        k: number of codes.
        ids: of the respondents: their hashes order them, so that smaller samples lie in larger ones.
        full: out-of-fold probabilities with all training answers, shape (R, K).
    """
    known = truth != ABSENT
    n_all = int(known.sum()) * (N_FOLDS - 1) // N_FOLDS
    sizes = [SMALLEST_SAMPLE * FACTOR**i for i in range(30) if SMALLEST_SAMPLE * FACTOR**i < n_all]
    order = np.argsort([unit_draw("learning-curve", CURVE_SEED, one) for one in ids], kind="stable")
    curves = []
    for size in sizes:
        p = np.full((truth.size, k), np.nan)
        for fold in range(N_FOLDS):
            train = order[(known & (folds != fold))[order]][:size]
            held_out = np.flatnonzero(known & (folds == fold))
            if held_out.size:
                p[held_out] = predicted(features, truth, train, held_out, k)[0]
        curves.append(p)
    return LearningCurve([*sizes, n_all], [*curves, full])


def _goodness(p: FloatArray, truth: IntArray, mass: FloatArray, metric: str) -> float:
    if not truth.size or not mass.sum():
        return math.nan
    if metric == "log_loss":
        return -log_loss(p, truth, mass)
    return float(mass @ (p.argmax(axis=1) == truth)) / float(mass.sum())


def _crossing(name: str, sizes: list[int], scores: FloatArray, target: float) -> Figure:
    """The size at which a rising curve first reaches the target, between sizes on the log scale."""
    if not np.isfinite(scores).all():
        return Figure(name, None, "the logit cannot be scored")
    if target <= scores[0]:
        return Figure(name, None, f"the logit is as good with {sizes[0]} answers or fewer")
    if target > scores[-1]:
        return Figure(name, None, f"the logit is not as good even with all {sizes[-1]} answers")
    after = int(np.searchsorted(scores, target))
    low, high = scores[after - 1], scores[after]
    part = (target - low) / (high - low)
    return figure(name, sizes[after - 1] * (sizes[after] / sizes[after - 1]) ** part, "")
