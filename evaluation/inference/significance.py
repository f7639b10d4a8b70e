"""Tests of significance and what they could have found.

Source: evaluation specification, sections 2.3 to 2.5; McNemar 1947 (exact form), Holm 1979.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

from evaluation.arrays import FloatArray

NORMAL_95 = 1.959963984540054


def mcnemar_p(n10: int, n01: int) -> float:
    """Two-sided exact p value of discordant pairs, 0..1; 1 if there are none."""
    n = n10 + n01
    return 1.0 if not n else min(1.0, 2 * float(binom.cdf(min(n10, n01), n, 0.5)))


def holm(p_values: Sequence[float]) -> FloatArray:
    """Adjusted p values of a family of tests, in the order given, 0..1."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    adjusted = np.empty_like(p)
    adjusted[order] = stepped
    return adjusted


def smallest_detectable_difference(n10: int, n01: int, n: int) -> float:
    """About the smallest difference of two paired shares that 95 % confidence can tell from 0; NaN for n = 0."""
    return NORMAL_95 * math.sqrt(n10 + n01) / n if n else math.nan


def two_proportion_p(hits: float, n: int, other_hits: float, n_other: int) -> float:
    """Two-sided p value of two independent shares with the pooled variance; 1 if both are all or nothing."""
    if not n or not n_other:
        return 1.0
    pooled = (hits + other_hits) / (n + n_other)
    variance = pooled * (1 - pooled) * (1 / n + 1 / n_other)
    if variance <= 0:
        return 1.0
    z = abs(hits / n - other_hits / n_other) / math.sqrt(variance)
    return float(2 * ndtr(-z))
