"""The respondent bootstrap: how often each respondent counts in each draw, and weighted sums under all draws.

Respondents are drawn, with all their answers to all questions under all arms, because the respondent is the unit of
independence. A draw is a vector of counts, so a resampled sum is a product of matrices and no row is ever copied.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.figures import Interval

_COUNTS_AT_ONCE = 4_000_000
"""Entries of the count matrix held at a time (32 MB)."""

TAIL_PERCENT = 2.5


@dataclass(frozen=True)
class Draws:
    """B draws of R respondents with replacement; the same seed gives the same draws."""

    n_respondents: int
    n_draws: int
    seed: int

    @property
    def method(self) -> str:
        """As in the column `ci_method`."""
        return f"respondent bootstrap, percentile, {self.n_draws} draws"

    def blocks(self) -> Iterator[FloatArray]:
        """Count matrices, shape (draws in the block, R); rows sum to R."""
        rng = np.random.default_rng(self.seed)
        n = self.n_respondents
        size = max(1, _COUNTS_AT_ONCE // max(1, n))
        for first in range(0, self.n_draws, size):
            n_rows = min(size, self.n_draws - first)
            drawn = rng.integers(0, n, size=(n_rows, n)) + np.arange(n_rows)[:, None] * n
            yield np.bincount(drawn.ravel(), minlength=n_rows * n).reshape(n_rows, n).astype(np.float64)


class Columns:
    """Named vectors over respondents whose sums are resampled together; equal vectors are kept once."""

    def __init__(self, n_respondents: int) -> None:
        self._n = n_respondents
        self._vectors: list[FloatArray] = []
        self._place_of_digest: dict[bytes, int] = {}
        self._place_of_name: dict[Hashable, int] = {}

    def add(self, name: Hashable, respondent: np.ndarray, mass: FloatArray) -> None:
        """Add the masses of some rows, summed by respondent index."""
        vector = np.bincount(respondent, weights=mass, minlength=self._n).astype(np.float64)
        place = self._place_of_digest.setdefault(blake2b(vector.tobytes()).digest(), len(self._vectors))
        if place == len(self._vectors):
            self._vectors.append(vector)
        self._place_of_name[name] = place

    def summed(self) -> "ResampledSums":
        """The sum of every vector as it is: one draw in which everybody counts once."""
        return ResampledSums(self._matrix().sum(axis=0, keepdims=True), self._place_of_name)

    def resampled(self, draws: Draws) -> "ResampledSums":
        """The sum of every vector under every draw."""
        matrix = self._matrix()
        return ResampledSums(np.vstack([block @ matrix for block in draws.blocks()]), self._place_of_name)

    def _matrix(self) -> FloatArray:
        return np.column_stack(self._vectors) if self._vectors else np.zeros((self._n, 0))


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
