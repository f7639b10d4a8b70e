"""What predictions are worth beside human interviews: PPI++ estimates of shares, and effective sample sizes.

Source: Angelopoulos, Duchi and Zrnic 2023, PPI++ (arXiv 2311.01453), for weighted (Hajek) shares; evaluation
specification, section 2.5. Everything is for one answer code at a time: y and g are 0..1.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from evaluation.arrays import FloatArray
from evaluation.figures import Interval
from evaluation.inference.intervals import wilson
from evaluation.inference.significance import NORMAL_95

NO_SPREAD = 1e-12
"""Below this variance a prediction is a constant: it earns nothing, and 0/0 or rounding must not say otherwise."""


class Estimate(NamedTuple):
    """An estimated share.

    Attributes:
        lam: how far predictions are trusted, 0..1; 0 is the classical estimate.
        se: standard error.
        df: degrees of freedom that the error itself rests on; small where few people gave a rare answer.
    """

    share: float
    se: float
    lam: float
    df: float = math.inf

    @property
    def interval(self) -> Interval:
        """The plain normal 95 % interval, as in the paper."""
        half = NORMAL_95 * self.se
        return Interval(self.share - half, self.share + half, "PPI++, normal")

    def logit_interval(self, n_eff: float) -> Interval | None:
        """The 95 % interval on the logit scale with Student's t; Wilson on `n_eff` where there is no logit.

        It stays in 0..1, and holds for rare answers where the normal one is too short (docs/evidence/evaluation.md).
        """
        if not 0 < self.share < 1 or self.se <= 0:
            return wilson(min(1.0, max(0.0, self.share)), n_eff, "Wilson on effective n")
        middle = math.log(self.share / (1 - self.share))
        quantile = float(stdtrit(self.df, 0.975)) if math.isfinite(self.df) else NORMAL_95
        half = quantile * self.se / (self.share * (1 - self.share))
        low, high = (1 / (1 + math.exp(-x)) for x in (middle - half, middle + half))
        return Interval(low, high, "PPI++, logit with t")


def classical(y: FloatArray, weight: FloatArray) -> Estimate:
    """The Hajek share of labelled respondents alone, with its linearised error."""
    share = float(weight @ y / weight.sum())
    u = _centred(y, weight)
    variance = float(u.var()) / y.size
    return Estimate(share, math.sqrt(variance), 0.0, _freedom(u, variance))


def ppi(
    y: FloatArray,
    g: FloatArray,
    weight: FloatArray,
    g_rest: FloatArray,
    weight_rest: FloatArray,
    *,
    lam: float | None = None,
) -> Estimate:
    """The share of a population from n labelled respondents and N with predictions only, both drawn at random.

    Args:
        y: shape (n,), 1 where the human gave the code.
        g: shape (n,), predicted: 1 or 0, or its probability.
        weight: shape (n,), survey weights.
        g_rest: shape (N,).
        weight_rest: shape (N,).
        lam: how far predictions are trusted; None: the value of least variance, between 0 and 1.
    """
    n, n_rest = y.size, g_rest.size
    u, v, v_rest = _centred(y, weight), _centred(g, weight), _centred(g_rest, weight_rest)
    trust = _best_lam(u, v, _pooled_variance(g, weight, g_rest, weight_rest), n, n_rest) if lam is None else lam
    share = float(weight @ y / weight.sum())
    if n_rest:
        share += trust * float(weight_rest @ g_rest / weight_rest.sum() - weight @ g / weight.sum())
    rest = trust**2 * float(v_rest.var()) / n_rest if n_rest else 0.0
    residual = u - trust * v
    variance = float(residual.var()) / n + rest
    return Estimate(share, math.sqrt(variance), trust, _freedom(residual, variance))


def ppi_known_probability(
    y: FloatArray, g: FloatArray, weight: FloatArray, labelled: np.ndarray, probability: FloatArray
) -> Estimate:
    """The same where respondents were labelled with unequal, known probabilities.

    Predictions of everyone, plus the labelled residuals weighted by 1 / probability.

    Args:
        y: shape (M,); read where labelled only.
        g: shape (M,) for the whole frame.
        weight: shape (M,), survey weights.
        labelled: shape (M,), booleans.
        probability: shape (M,), of being labelled, 0 < p <= 1 where labelled.

    Source: the augmented inverse-probability form of Zrnic and Candes 2024 (active inference), with Hajek means.
    """
    m = g.size
    inverse = np.where(labelled, 1 / np.where(labelled, probability, 1.0), 0.0)
    inverse *= m / inverse.sum()
    scaled = weight / weight.mean()
    y = np.where(labelled, y, 0.0)
    share = float((scaled * inverse) @ y / (scaled * inverse).sum())
    mean_all = float(scaled @ g / m)
    mean_labelled = float((scaled * inverse) @ g / (scaled * inverse).sum())
    a = scaled * inverse * (y - share)
    b = scaled * ((g - mean_all) - inverse * (g - mean_labelled))
    spread = float(b.var())
    lam = 0.0 if spread < NO_SPREAD else float(np.clip(-np.cov(a, b, ddof=0)[0, 1] / spread, 0.0, 1.0))
    contributions = a + lam * b
    variance = float(contributions.var()) / m
    share += lam * (mean_all - mean_labelled)
    return Estimate(share, math.sqrt(variance), lam, _freedom(contributions, variance))


class Worth(NamedTuple):
    """How many interviews predictions replace, from full truth.

    Attributes:
        ess: variance of the classical estimate over that of PPI++ with the same labels; 1 = nothing gained.
        rho: correlation of truth and prediction (weighted contributions).
        lam: best trust, 0..1.
        ess_of_full_trust: the same for lam = 1, "correct the bias": below 1 it is worse than no predictions.
        classical_variance, ppi_variance: of one label, so that codes can be added up.
    """

    ess: float
    rho: float
    lam: float
    ess_of_full_trust: float
    classical_variance: float
    ppi_variance: float


def worth(y: FloatArray, g: FloatArray, weight: FloatArray, n: int, n_rest: int) -> Worth:
    """The worth of predictions beside n random labels out of n + n_rest people.

    Args:
        y: shape (M,), 1 where the human gave the code.
        g: shape (M,), predicted.
        weight: shape (M,).
        n: labels bought.
        n_rest: people with predictions only.
    """
    u, v = _centred(y, weight), _centred(g, weight)
    var_u, var_v = float(u.var()), float(v.var())
    if var_u < NO_SPREAD or var_v < NO_SPREAD or n_rest <= 0:
        return Worth(1.0, 0.0, 0.0, 1.0, var_u, var_u)
    covariance = float(((u - u.mean()) * (v - v.mean())).mean())
    lam = float(np.clip(covariance / ((1 + n / n_rest) * var_v), 0.0, 1.0))

    def variance(trust: float) -> float:
        return var_u - 2 * trust * covariance + trust**2 * var_v * (1 + n / n_rest)

    best, full = max(variance(lam), NO_SPREAD), max(variance(1.0), NO_SPREAD)
    rho = covariance / math.sqrt(var_u * var_v)
    return Worth(var_u / best, rho, lam, var_u / full, var_u, best)


def _freedom(residual: FloatArray, variance: float) -> float:
    """Satterthwaite degrees of freedom of a variance, from the spread of the squared contributions behind it."""
    squares = residual**2
    spread = float(squares.var()) / residual.size**3
    return max(1.0, 2 * variance**2 / spread) if spread > 0 else math.inf


def _centred(z: FloatArray, weight: FloatArray) -> FloatArray:
    """Contributions w (z - mean) / mean(w), shape as given."""
    total = weight.sum()
    if not total:
        return np.zeros_like(z)
    centred: FloatArray = weight * (z - weight @ z / total) / (total / weight.size)
    return centred


def _pooled_variance(g: FloatArray, weight: FloatArray, g_rest: FloatArray, weight_rest: FloatArray) -> float:
    """Variance of the contributions of both samples around their common mean, with n - 1, as ppi-python has it."""
    both = np.concatenate([g, g_rest])
    scaled = np.concatenate([weight / weight.mean(), weight_rest / weight_rest.mean() if g_rest.size else weight_rest])
    contributions = scaled * (both - scaled @ both / scaled.sum())
    return float(contributions.var(ddof=1)) if both.size > 1 else 0.0


def _best_lam(u: FloatArray, v: FloatArray, pooled: float, n: int, n_rest: int) -> float:
    """Covariance with 1/n over the pooled variance, 0..1; 0 for a constant prediction."""
    if pooled < NO_SPREAD or not n_rest:
        return 0.0
    covariance = float(((u - u.mean()) * (v - v.mean())).mean())
    return float(np.clip(covariance / ((1 + n / n_rest) * pooled), 0.0, 1.0))
