"""Figures of predicted probabilities; None for arms whose predictions are single answers.

Source: evaluation specification, section 2.1.
"""

import math

import numpy as np

from evaluation.arrays import FloatArray, IntArray
from evaluation.cells import Cell
from evaluation.figures import Figure, figure, ratio

SINGLE_ANSWERS = "predictions are single answers, not probabilities"
SMALLEST = 1e-15
"""Floor of a probability inside a logarithm."""


def probability_figures(cell: Cell, human: FloatArray | None, *, weighted: bool) -> list[Figure]:
    """Log loss in nats, its skill over the human shares, and the Brier score (0..2).

    Args:
        cell: scored over eligible predictions that have probabilities.
        human: shape (K,), human shares of the same weighting; None if nobody is eligible.
        weighted: use survey weights.
    """
    if cell.probabilities is None:
        return [Figure(name, None, SINGLE_ANSWERS) for name in ("log_loss", "log_loss_skill", "brier")]
    scored = cell.eligible & np.isfinite(cell.probabilities).all(axis=1)
    p, truth = cell.probabilities[scored], cell.truth[scored]
    mass = cell.mass(weighted=weighted)[scored]
    loss, why = log_loss(p, truth, mass), "no eligible prediction has probabilities"
    marginal = math.nan if human is None else entropy_nats(human)
    return [
        figure("log_loss", loss, why),
        figure("log_loss_skill", 1 - ratio(loss, marginal), why if math.isnan(loss) else "people gave one answer"),
        figure("brier", brier(p, truth, mass), why),
    ]


def log_loss(p: FloatArray, truth: IntArray, mass: FloatArray) -> float:
    """Mean of -ln p(truth), shape (n, K) and (n,); NaN without mass."""
    chosen = np.maximum(p[np.arange(len(truth)), truth], SMALLEST)
    return ratio(float(-(mass @ np.log(chosen))), float(mass.sum()))


def brier(p: FloatArray, truth: IntArray, mass: FloatArray) -> float:
    """Mean squared distance to the 0/1 vector of the truth, 0..2; NaN without mass."""
    chosen = p[np.arange(len(truth)), truth]
    return ratio(float(mass @ ((p**2).sum(axis=1) - 2 * chosen + 1)), float(mass.sum()))


def entropy_nats(p: FloatArray) -> float:
    """Entropy of shares: the log loss of the shares themselves as a forecast for everyone."""
    used = p[p > 0]
    return max(0.0, float(-(used * np.log(used)).sum()))


def mean_probabilities(cell: Cell, *, weighted: bool) -> FloatArray | None:
    """Mean probability of each code over eligible predictions, shape (K,); None if there are none."""
    if cell.probabilities is None:
        return None
    rows = cell.eligible & np.isfinite(cell.probabilities).all(axis=1)
    mass = cell.mass(weighted=weighted)[rows]
    return mass @ cell.probabilities[rows] / mass.sum() if mass.sum() > 0 else None
