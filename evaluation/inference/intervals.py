"""Intervals of shares: Wilson for plain counts, logit-transformed for weighted shares of a declared design."""

import math

import numpy as np

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.figures import Interval
from evaluation.inference.significance import NORMAL_95
from evaluation.reading.sampling_design import SamplingDesign

WILSON = "Wilson"


def wilson(share: float, n: float, method: str = WILSON) -> Interval | None:
    """The Wilson 95 % interval of a share of n cases; None without cases.

    Source: Wilson 1927. Also for an effective n, which need not be whole.
    """
    if n <= 0:
        return None
    z2 = NORMAL_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(max(0.0, centre - half), min(1.0, centre + half), method)


def weighted_share_interval(
    hit: BoolArray | FloatArray, mass: FloatArray, respondent: IntArray, design: SamplingDesign
) -> Interval | None:
    """The 95 % interval of a weighted share, on the logit scale, from its linearised standard error.

    A share of exactly 0 or 1 has no logit: Wilson on the Kish effective number then, and the method says so.

    Args:
        hit: what is averaged, 0..1, one entry a case.
        mass: weights of the cases.
        respondent: index of each case into the design's respondents.
        design: strata and units of all respondents; those without a case count as 0, so domains are right.
    """
    total = float(mass.sum())
    if total <= 0:
        return None
    share = min(1.0, max(0.0, float(mass @ hit) / total))
    se = share_standard_error(hit, mass, respondent, design)
    if not 0 < share < 1 or se <= 0:
        n_eff = total**2 / float((mass**2).sum())
        return wilson(share, n_eff, "Wilson on effective n")
    middle, half = math.log(share / (1 - share)), NORMAL_95 * se / (share * (1 - share))
    return Interval(_share(middle - half), _share(middle + half), f"logit, linearised ({design.words})")


def share_standard_error(
    hit: BoolArray | FloatArray, mass: FloatArray, respondent: IntArray, design: SamplingDesign
) -> float:
    """Standard error of a Hajek mean by linearisation: contributions are w (z - mean) / sum w."""
    total = float(mass.sum())
    share = float(mass @ hit) / total
    contribution = mass * (np.asarray(hit, dtype=np.float64) - share) / total
    by_respondent = np.bincount(respondent, contribution, minlength=design.psu.size).astype(np.float64)
    return math.sqrt(design.variance_of_total(by_respondent))


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
