"""The respondent bootstrap: how often each respondent counts in each draw, and weighted sums under all draws.

Respondents are drawn, with all their answers to all questions under all arms, because the respondent is the unit of
independence. A draw is a vector of counts, so a resampled sum is a product of matrices and no row is ever copied.
Where the study declares strata or clusters, whole clusters are drawn within strata and rescaled (Rao and Wu 1988).
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.figures import Interval
from evaluation.reading.sampling_design import SamplingDesign

_COUNTS_AT_ONCE = 4_000_000
"""Entries of the count matrix held at a time (32 MB)."""

TAIL_PERCENT = 2.5


@dataclass(frozen=True)
class Draws:
    """B draws of R respondents with replacement; the same seed gives the same draws.

    Attributes:
        design: strata and clusters; None or a simple one: respondents are drawn one by one.
    """

    n_respondents: int
    n_draws: int
    seed: int
    design: SamplingDesign | None = None

    @property
    def method(self) -> str:
        """As in the column `ci_method`."""
        if self.design is None or self.design.is_simple:
            return f"respondent bootstrap, percentile, {self.n_draws} draws"
        return f"Rao-Wu rescaled bootstrap, {self.design.words}, percentile, {self.n_draws} draws"

    def blocks(self) -> Iterator[FloatArray]:
        """Matrices of how much each respondent counts, shape (draws in the block, R).

        Simple draws: whole numbers whose rows sum to R. Rao-Wu: of the n units of a stratum n - 1 are drawn, and a
        unit drawn t times counts t n / (n - 1), so that the rows sum to R in the mean.
        """
        rng = np.random.default_rng(self.seed)
        n = self.n_respondents
        size = max(1, _COUNTS_AT_ONCE // max(1, n))
        for first in range(0, self.n_draws, size):
            n_rows = min(size, self.n_draws - first)
            if self.design is None or self.design.is_simple:
                yield _counts(rng, n_rows, n, n)
            else:
                yield _rescaled(rng, n_rows, self.design)


def _counts(rng: np.random.Generator, n_rows: int, n_units: int, n_drawn: int) -> FloatArray:
    """How often each unit is drawn, shape (n_rows, n_units)."""
    drawn = rng.integers(0, n_units, size=(n_rows, n_drawn)) + np.arange(n_rows)[:, None] * n_units
    return np.bincount(drawn.ravel(), minlength=n_rows * n_units).reshape(n_rows, n_units).astype(np.float64)


def _rescaled(rng: np.random.Generator, n_rows: int, design: SamplingDesign) -> FloatArray:
    """Rao-Wu multipliers of each respondent, shape (n_rows, R)."""
    units = np.ones((n_rows, design.stratum_of_psu.size))
    for stratum, n in enumerate(design.n_units):
        if n > 1:
            drawn = _counts(rng, n_rows, int(n), int(n) - 1)
            units[:, design.stratum_of_psu == stratum] = drawn * (n / (n - 1))
    multipliers: FloatArray = units[:, design.psu]
    return multipliers


class Columns:
    """Named vectors over respondents whose sums are resampled together; equal vectors are kept once."""

    def __init__(self, n_respondents: int) -> None:
        self.n_respondents = n_respondents
        self._vectors: list[FloatArray] = []
        self._place_of_digest: dict[bytes, int] = {}
        self._place_of_name: dict[Hashable, int] = {}

    def add(self, name: Hashable, respondent: np.ndarray, mass: FloatArray) -> None:
        """Add the masses of some rows, summed by respondent index."""
        vector = np.bincount(respondent, weights=mass, minlength=self.n_respondents).astype(np.float64)
        place = self._place_of_digest.setdefault(blake2b(vector.tobytes()).digest(), len(self._vectors))
        if place == len(self._vectors):
            self._vectors.append(vector)
        self._place_of_name[name] = place

    def __contains__(self, name: Hashable) -> bool:
        return name in self._place_of_name

    def summed(self) -> "ResampledSums":
        """The sum of every vector as it is: one draw in which everybody counts once."""
        return ResampledSums(self._matrix().sum(axis=0, keepdims=True), self._place_of_name)

    def resampled(self, draws: Draws) -> "ResampledSums":
        """The sum of every vector under every draw."""
        matrix = self._matrix()
        return ResampledSums(np.vstack([block @ matrix for block in draws.blocks()]), self._place_of_name)

    def _matrix(self) -> FloatArray:
        return np.column_stack(self._vectors) if self._vectors else np.zeros((self.n_respondents, 0))


@dataclass(frozen=True)
class ResampledSums:
    """Sums by name, shape (B,) each."""

    sums: FloatArray
    places: dict[Hashable, int]

    def __getitem__(self, name: Hashable) -> FloatArray:
        return self.sums[:, self.places[name]]


def percentile_interval(values: FloatArray, method: str) -> Interval | None:
    """The middle 95 % of resampled values; None if more than half of the draws leave the figure undefined."""
    defined = values[np.isfinite(values)]
    if defined.size * 2 < values.size or not defined.size:
        return None
    low, high = np.percentile(defined, [TAIL_PERCENT, 100 - TAIL_PERCENT])
    return Interval(float(low), float(high), method)
