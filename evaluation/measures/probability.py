"""Figures of predicted probabilities; None for arms whose predictions are single answers.

Source: evaluation specification, section 2.1.
"""

import math

import numpy as np

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.figures import Figure, figure, ratio
from evaluation.measures.ordinal import NOMINAL
from evaluation.reading.cells import Cell
from evaluation.reading.scale import Scale

SINGLE_ANSWERS = "predictions are single answers, not probabilities"
FIGURES = ("log_loss", "log_loss_skill", "brier", "rps", "ece", "covered_mass")
N_BINS = 10
SMALLEST = 1e-15
"""Floor of a probability inside a logarithm."""


def probability_figures(cell: Cell, human: FloatArray | None, *, weighted: bool) -> list[Figure]:
    """Log loss in nats, its skill over the human shares, the Brier score (0..2), RPS, ECE and covered mass.

    Args:
        cell: scored over eligible predictions that have probabilities.
        human: shape (K,), human shares of the same weighting; None if nobody is eligible.
        weighted: use survey weights.
    """
    if cell.probabilities is None:
        return [Figure(name, None, SINGLE_ANSWERS) for name in FIGURES]
    scored = cell.eligible & np.isfinite(cell.probabilities).all(axis=1)
    p, truth = cell.probabilities[scored], cell.truth[scored]
    mass = cell.mass(weighted=weighted)[scored]
    loss, why = log_loss(p, truth, mass), "no eligible prediction has probabilities"
    marginal = math.nan if human is None else entropy_nats(human)
    return [
        figure("log_loss", loss, why),
        figure("log_loss_skill", 1 - ratio(loss, marginal), why if math.isnan(loss) else "people gave one answer"),
        figure("brier", brier(p, truth, mass), why),
        _rps_figure(p, truth, mass, cell.scale, why),
        *reliability_figures(p, truth, mass),
        _covered(cell, scored, mass),
    ]


def _covered(cell: Cell, scored: BoolArray, mass: FloatArray) -> Figure:
    """Mean covered mass, 0..1: how much of the probabilities the service told, and not an even split of the rest."""
    told = np.full(len(cell.truth), np.nan) if cell.covered_mass is None else cell.covered_mass
    known = np.isfinite(told[scored])
    value = ratio(float(mass[known] @ told[scored][known]), float(mass[known].sum()))
    return figure("covered_mass", value, "the predictions do not tell their covered mass")


def log_loss(p: FloatArray, truth: IntArray, mass: FloatArray) -> float:
    """Mean of -ln p(truth), shape (n, K) and (n,); NaN without mass."""
    chosen = np.maximum(p[np.arange(len(truth)), truth], SMALLEST)
    return ratio(float(-(mass @ np.log(chosen))), float(mass.sum()))


def brier(p: FloatArray, truth: IntArray, mass: FloatArray) -> float:
    """Mean squared distance to the 0/1 vector of the truth, 0..2; NaN without mass."""
    chosen = p[np.arange(len(truth)), truth]
    return ratio(float(mass @ ((p**2).sum(axis=1) - 2 * chosen + 1)), float(mass.sum()))


def rps(p: FloatArray, truth: IntArray, mass: FloatArray) -> float:
    """Ranked probability score, 0..1: mean squared gap of the running sums, over K - 1; columns in scoring order.

    Source: Epstein 1969. NaN without mass or for fewer than two codes.
    """
    k = p.shape[1]
    below = np.cumsum(p, axis=1)[:, :-1] - (np.arange(k - 1) >= truth[:, None])
    return ratio(float(mass @ (below**2).sum(axis=1)), float(mass.sum()) * (k - 1))


def reliability_figures(p: FloatArray, truth: IntArray, mass: FloatArray) -> list[Figure]:
    """Expected calibration error, and the table behind it by bin of the top probability.

    Bins are [0, 0.1) to [0.9, 1]; the level of a table figure is its bin. Ties go to the first code.
    """
    top, total = p.argmax(axis=1) if len(p) else np.zeros(0, dtype=np.int64), float(mass.sum())
    confidence, right = p[np.arange(len(p)), top], (top == truth).astype(np.float64)
    place = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    sums = [np.bincount(place, weights=mass * v, minlength=N_BINS) for v in (np.ones(len(p)), right, confidence)]
    error = ratio(float(np.abs(sums[1] - sums[2]).sum()), total)
    figures = [figure("ece", error, "no eligible prediction has probabilities")]
    for i in np.flatnonzero(sums[0] > 0):
        level = f"{i / N_BINS:.1f}-{(i + 1) / N_BINS:.1f}"
        figures += [
            Figure("reliability_share", float(sums[0][i]) / total, level=level),
            Figure("reliability_confidence", float(sums[2][i] / sums[0][i]), level=level),
            Figure("reliability_accuracy", float(sums[1][i] / sums[0][i]), level=level),
        ]
    return figures


def _rps_figure(p: FloatArray, truth: IntArray, mass: FloatArray, scale: Scale, why: str) -> Figure:
    if not scale.ordinal:
        return Figure("rps", None, NOMINAL)
    rank = np.empty(scale.k, dtype=np.int64)
    rank[scale.by_rank] = np.arange(scale.k)
    return figure("rps", rps(p[:, scale.by_rank], rank[truth], mass), why if scale.k > 1 else "fewer than two codes")


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
