"""Distribution figures: do the answers of all predictions together look like the answers of the people?

Source: evaluation specification, section 2.2. p are human shares over eligible, s are predicted shares over valid.
"""

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import chdtrc

from evaluation.arrays import FloatArray
from evaluation.figures import NO_ELIGIBLE, NO_VALID, Figure, figure, ratio
from evaluation.measures.ordinal import NOMINAL
from evaluation.reading.scale import Scale

FLAT_HUMANS = "people gave one answer only"
_SINGULAR_BELOW = 1e-10


def shares(mass: FloatArray) -> FloatArray | None:
    """Masses scaled to sum 1, shape (K,); None if there is no mass."""
    total = mass.sum()
    return mass / total if total > 0 else None


def distribution_figures(
    human: FloatArray | None, synthetic: FloatArray | None, scale: Scale, *, prefix: str = ""
) -> list[Figure]:
    """Distances and signs of collapse.

    Args:
        human: shape (K,), codebook order, sums to 1; None if nobody is eligible.
        synthetic: likewise; None if no prediction is valid.
        scale: the codes.
        prefix: put before each name, as in `argmax_tv` for the argmax of an arm judged by its probabilities.
    """
    if human is None or synthetic is None:
        missing = NO_ELIGIBLE if human is None else NO_VALID
        return [Figure(prefix + name, None, missing) for name in _NAMES] + _no_shares(scale, prefix, missing)
    found = _values(human, synthetic, scale)
    figures = [figure(prefix + name, value, reason) for name, value, reason in found]
    return figures + share_figures(synthetic, scale, prefix=prefix)


def share_figures(of: FloatArray, scale: Scale, *, prefix: str = "") -> list[Figure]:
    """Share of each code, and of the most frequent one."""
    by_code = [Figure(f"{prefix}share", float(s), level=c) for s, c in zip(of, scale.levels, strict=True)]
    return [*by_code, Figure(f"{prefix}modal_share", float(of.max()))]


def total_variation(p: FloatArray, s: FloatArray) -> float:
    """Half the L1 distance of two share vectors; 0 = equal, 1 = disjoint."""
    return float(np.abs(p - s).sum() / 2)


def js_divergence(p: FloatArray, s: FloatArray) -> float:
    """Jensen-Shannon divergence in bits, 0..1; its square root is the distance."""
    middle = (p + s) / 2
    return max(0.0, (_kl_bits(p, middle) + _kl_bits(s, middle)) / 2)


def wasserstein(p: FloatArray, s: FloatArray) -> float:
    """Mean distance in ranks that share has to travel, over K - 1, for shares in scoring order; NaN if K < 2."""
    return ratio(float(np.abs(np.cumsum(p - s))[:-1].sum()), len(p) - 1)


def entropy_bits(p: FloatArray) -> float:
    """Shannon entropy of shares in bits."""
    used = p[p > 0]
    return max(0.0, float(-(used * np.log2(used)).sum()))


def rank_variance(p: FloatArray) -> float:
    """Variance of ranks under shares in scoring order."""
    rank = np.arange(len(p))
    mean = float(rank @ p)
    return float((rank - mean) ** 2 @ p)


def stuart_maxwell(valid: FloatArray) -> Figure:
    """Statistic of marginal homogeneity of the paired columns; chi-square with (codes in use - 1) degrees.

    Args:
        valid: shape (K, K), unweighted counts of valid predictions.

    Source: Stuart 1955, Maxwell 1970: d' S^-1 d with d the differences of the margins.
    """
    statistic, _ = _stuart_maxwell(valid)
    return figure("stuart_maxwell", statistic, "the covariance of the margins is singular")


def stuart_maxwell_p(valid: FloatArray) -> Figure:
    """Its p value. With thousands of respondents any p is tiny: read the size of `tv` first."""
    statistic, df = _stuart_maxwell(valid)
    p_value = float(chdtrc(df, statistic)) if math.isfinite(statistic) else math.nan
    return figure("stuart_maxwell_p", p_value, "the covariance of the margins is singular")


def _stuart_maxwell(valid: FloatArray) -> tuple[float, int]:
    used = (valid.sum(axis=0) + valid.sum(axis=1)) > 0
    counts = valid[np.ix_(used, used)]
    if len(counts) < 2:
        return math.nan, 0
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    d = (rows - columns)[:-1]
    covariance = np.diag(rows + columns) - counts - counts.T
    s = covariance[:-1, :-1]
    if np.linalg.cond(s) > 1 / _SINGULAR_BELOW:
        return math.nan, len(d)
    return max(0.0, float(d @ np.linalg.solve(s, d))), len(d)


_NAMES = (
    "tv", "max_share_error", "js_divergence", "js_distance", "w1", "representativeness",
    "entropy_ratio", "effective_answers", "variance_ratio", "codes_used",
)  # fmt: skip


def _no_shares(scale: Scale, prefix: str, reason: str) -> list[Figure]:
    by_code = [Figure(f"{prefix}share", None, reason, level=c) for c in scale.levels]
    return [*by_code, Figure(f"{prefix}modal_share", None, reason)]


def _values(p: FloatArray, s: FloatArray, scale: Scale) -> Iterator[tuple[str, float, str]]:
    divergence = js_divergence(p, s)
    yield "tv", total_variation(p, s), ""
    yield "max_share_error", float(np.abs(p - s).max()), ""
    yield "js_divergence", divergence, ""
    yield "js_distance", math.sqrt(divergence), ""
    yield from _ordered_values(scale.ranked(p), scale.ranked(s), scale)
    yield "entropy_ratio", ratio(entropy_bits(s), entropy_bits(p)), FLAT_HUMANS
    yield "effective_answers", 2 ** entropy_bits(s), ""
    yield "codes_used", float((s > 0).sum()) / scale.k, ""


def _ordered_values(p: FloatArray, s: FloatArray, scale: Scale) -> Iterator[tuple[str, float, str]]:
    w1 = wasserstein(p, s) if scale.ordinal else math.nan
    why = "fewer than two codes" if scale.ordinal else NOMINAL
    yield "w1", w1, why
    yield "representativeness", 1 - w1, why
    variance = ratio(rank_variance(s), rank_variance(p)) if scale.ordinal else math.nan
    yield "variance_ratio", variance, FLAT_HUMANS if scale.ordinal else NOMINAL


def _kl_bits(p: FloatArray, q: FloatArray) -> float:
    used = p > 0
    return float((p[used] * np.log2(p[used] / q[used])).sum())
