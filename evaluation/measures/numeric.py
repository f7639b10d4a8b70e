"""Numeric questions: how far numbers are off, whether they go together, and how alike they are as a whole.

mae           mean of abs(f - y); strict: an answer that is not there costs the larger distance of y to a bound
correlation   Pearson's, over valid answers
w1            area between the distribution functions of people (eligible) and of answers (valid), over the range
sd_ratio      standard deviation of answers / of people
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy.stats import wasserstein_distance

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.figures import NO_ELIGIBLE, NO_VALID, Figure, figure, ratio


@dataclass(frozen=True)
class NumericCell:
    """Predictions of one arm on one numeric question; every array has one entry a prediction, by respondent.

    Attributes:
        low, high: bounds of the question.
        truth: NaN unless answered; likewise `answer`.
        status, weight, unit, split: as in `Cell`.
    """

    arm: str
    question_id: str
    low: float
    high: float
    respondent: IntArray
    truth: FloatArray
    answer: FloatArray
    truth_status: IntArray
    status: IntArray
    weight: FloatArray
    unit: FloatArray
    split: IntArray
    in_sample: BoolArray
    simulated: BoolArray

    @property
    def eligible(self) -> BoolArray:
        """Predictions with a human answer to score against."""
        eligible: BoolArray = np.isfinite(self.truth)
        return eligible

    @property
    def valid(self) -> BoolArray:
        """Eligible predictions with a number."""
        valid: BoolArray = self.eligible & np.isfinite(self.answer)
        return valid

    def mass(self, *, weighted: bool) -> FloatArray:
        """What each prediction counts."""
        return self.weight if weighted else self.unit

    @property
    def strict_error(self) -> FloatArray:
        """Distance to the truth; without an answer the truth's larger distance to a bound; NaN without a truth."""
        worst = np.maximum(self.truth - self.low, self.high - self.truth)
        return np.where(np.isfinite(self.answer), np.abs(self.answer - self.truth), worst)

    def where(self, mask: BoolArray | IntArray) -> "NumericCell":
        """The same cell with some of its predictions only."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        kept: Mapping[str, Any] = {n: a[mask] for n, a in arrays.items() if isinstance(a, np.ndarray)}
        return replace(self, **kept)


def numeric_figures(cell: NumericCell, *, weighted: bool) -> list[Figure]:
    """All figures that follow from the cell alone."""
    eligible, valid = cell.eligible, cell.valid
    mass, truth, answer = cell.mass(weighted=weighted), cell.truth, cell.answer
    y, f, w = truth[valid], answer[valid], mass[valid]
    human, all_w = truth[eligible], mass[eligible]
    span = cell.high - cell.low
    means = weighted_mean(human, all_w), weighted_mean(f, w)
    spread = weighted_sd(human, all_w), weighted_sd(f, w)
    distance = wasserstein_distance(human, f, all_w, w) if w.sum() > 0 and all_w.sum() > 0 else np.nan
    strict = weighted_mean(cell.strict_error[eligible], all_w)
    return [
        figure("coverage", ratio(float(w.sum()), float(all_w.sum())), NO_ELIGIBLE),
        figure("mae", strict, NO_ELIGIBLE, form="strict"),
        figure("mae", weighted_mean(np.abs(f - y), w), NO_VALID, form="valid"),
        figure("mae_normalised", strict / span, NO_ELIGIBLE, form="strict"),
        figure("rmse", weighted_mean((f - y) ** 2, w) ** 0.5, NO_VALID, form="valid"),
        figure("correlation", correlation(y, f, w), _why_none(y, f), form="valid"),
        figure("w1", distance / span, NO_VALID),
        figure("w1_units", distance, NO_VALID),
        figure("mean_human", means[0], NO_ELIGIBLE),
        figure("mean_synthetic", means[1], NO_VALID),
        figure("mean_difference", means[1] - means[0], NO_VALID),
        figure("sd_human", spread[0], NO_ELIGIBLE),
        figure("sd_synthetic", spread[1], NO_VALID),
        figure("sd_ratio", ratio(spread[1], spread[0]), NO_VALID if not valid.any() else "people gave one number"),
    ]


def weighted_mean(values: FloatArray, mass: FloatArray) -> float:
    """NaN without mass."""
    return ratio(float(mass @ values), float(mass.sum())) if values.size else np.nan


def weighted_sd(values: FloatArray, mass: FloatArray) -> float:
    """Standard deviation under the masses as shares; NaN without mass."""
    mean = weighted_mean(values, mass)
    return weighted_mean((values - mean) ** 2, mass) ** 0.5 if values.size else np.nan


def correlation(y: FloatArray, f: FloatArray, mass: FloatArray) -> float:
    """Pearson's, weighted; NaN if a side is constant."""
    if y.size < 2 or np.ptp(y) == 0 or np.ptp(f) == 0:
        return np.nan
    a, b = y - weighted_mean(y, mass), f - weighted_mean(f, mass)
    return ratio(float(mass @ (a * b)), float(np.sqrt((mass @ a**2) * (mass @ b**2))))


def _why_none(y: FloatArray, f: FloatArray) -> str:
    if y.size < 2:
        return NO_VALID
    return "people gave one number" if np.ptp(y) == 0 else "predictions are one number"
