"""Does the stated value hold? Samples drawn again and again from people whose answers are all known.

Each draw takes n labelled and N unlabelled people at random, with replacement, from the file; the truth is the file's
own share. Both estimators see the same labels, so the comparison is at equal cost.
"""

from typing import NamedTuple

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.worth.value import classical, ppi, worth


class Simulated(NamedTuple):
    """What happened over all draws, for one answer code.

    Attributes:
        coverage: share of PPI++ intervals (logit scale) that hold the truth; `classical_coverage` without predictions.
        normal_coverage: of the plain normal PPI++ interval.
        variance_ratio: variance of the classical estimates over that of the PPI++ estimates: should be near `ess`.
        bias: mean PPI++ estimate minus the truth.
    """

    truth: float
    n_draws: int
    coverage: float
    normal_coverage: float
    classical_coverage: float
    variance_ratio: float
    ess: float
    bias: float


def simulate(
    y: FloatArray, g: FloatArray, weight: FloatArray, *, n: int, n_rest: int, n_draws: int, seed: int
) -> Simulated:
    """Draw, estimate and count.

    Args:
        y: shape (M,), 1 where the human gave the code.
        g: shape (M,), predicted.
        weight: shape (M,), survey weights.
        n: labels of each draw.
        n_rest: people with predictions only of each draw.
        n_draws: 2,000 gives coverage to about 1 point.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    truth = float(weight @ y / weight.sum())
    found = np.empty((n_draws, 5))
    for draw in range(n_draws):
        rows, rest = rng.integers(0, y.size, n), rng.integers(0, y.size, n_rest)
        w = weight[rows]
        n_eff = float(w.sum() ** 2 / (w**2).sum())
        plain, better = classical(y[rows], w), ppi(y[rows], g[rows], w, g[rest], weight[rest])
        held = [_holds(i, truth) for i in (better.logit_interval(n_eff), better.interval, plain.logit_interval(n_eff))]
        found[draw] = [better.share, plain.share, *held]
    ratio = float(found[:, 1].var() / found[:, 0].var()) if found[:, 0].var() > 0 else 1.0
    coverage, normal, classic = (float(c) for c in found[:, 2:].mean(axis=0))
    ess = worth(y, g, weight, n, n_rest).ess
    return Simulated(truth, n_draws, coverage, normal, classic, ratio, ess, float(found[:, 0].mean()) - truth)


def _holds(interval: tuple[float, float, str] | None, truth: float) -> float:
    return float(interval is not None and interval[0] <= truth <= interval[1])
