"""Scales: the answer codes of a question by position, and their scoring order."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.arrays import FloatArray, IntArray
from schemas.codebook import CodedVariable


@dataclass(frozen=True)
class Scale:
    """Answer codes in codebook order; positions 0..K-1 stand for them everywhere in this room.

    Attributes:
        order: codes in scoring order; equals `codes` unless the study says otherwise.
        cut: last code, in scoring order, of the lower side of the binary cut; None if there is none.
    """

    codes: tuple[int, ...]
    order: tuple[int, ...]
    ordinal: bool
    cut: int | None = None

    @property
    def k(self) -> int:
        """Number of codes."""
        return len(self.codes)

    @property
    def levels(self) -> list[str]:
        """Codes as text, as in the `level` column."""
        return [str(code) for code in self.codes]

    @cached_property
    def by_rank(self) -> IntArray:
        """Positions in scoring order, shape (K,)."""
        return np.array([self.codes.index(code) for code in self.order], dtype=np.int64)

    def ranked(self, shares: FloatArray) -> FloatArray:
        """A vector over positions, put into scoring order."""
        ranked: FloatArray = shares[self.by_rank]
        return ranked

    def ranked_table(self, table: FloatArray) -> FloatArray:
        """A confusion table, shape (K, K + 1), put into scoring order; the invalid column stays last."""
        ranked: FloatArray = table[np.ix_(self.by_rank, np.append(self.by_rank, self.k))]
        return ranked

    @property
    def n_lower(self) -> int | None:
        """Codes on the lower side of the cut."""
        return None if self.cut is None else self.order.index(self.cut) + 1


def scale_of(variable: CodedVariable) -> Scale:
    """The scale of a question of the codebook."""
    codes = tuple(variable.codes)
    order = tuple(variable.scale_order) if variable.scale_order else codes
    return Scale(codes, order, variable.scale == "ordinal", variable.cut)
