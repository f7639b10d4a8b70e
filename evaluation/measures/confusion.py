"""Confusion tables: one count a cell, from which every individual-level figure follows."""

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.reading.cells import ABSENT, Cell


def confusion(cell: Cell, *, weighted: bool) -> FloatArray:
    """Mass of eligible predictions by human code (row) and predicted code (column).

    Returns:
        Shape (K, K + 1), codebook order; the last column holds everything that is not valid.
    """
    k = cell.scale.k
    eligible = cell.eligible
    answer = cell.answer[eligible]
    column = np.where(answer == ABSENT, k, answer)
    place = cell.truth[eligible] * (k + 1) + column
    mass = cell.mass(weighted=weighted)[eligible]
    counts = np.bincount(place, weights=mass, minlength=k * (k + 1))
    return counts.astype(np.float64).reshape(k, k + 1)
