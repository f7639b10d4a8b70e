"""Features: persona fields as one-hot columns, a missing value being a level of its own."""

from collections.abc import Mapping, Set

import numpy as np
from scipy import sparse

from evaluation.arrays import IntArray
from evaluation.reading.cells import MISSING_CODE

MAX_BINS = 10
"""A quantity such as age becomes at most this many groups of about equal size."""


def one_hot(fields: Mapping[str, IntArray], numeric: Set[str]) -> sparse.csr_matrix:
    """Sparse 0/1 matrix with one row a respondent and one column a level of a field.

    Args:
        fields: field -> codes, shape (R,); MISSING_CODE where missing.
        numeric: fields that are binned by quantiles first.
    """
    blocks = [_levels(binned(codes) if name in numeric else codes) for name, codes in fields.items()]
    return sparse.csr_matrix(sparse.hstack(blocks))


def binned(values: IntArray) -> IntArray:
    """Quantile group 0..9 of each value; missing stays missing."""
    present = values != MISSING_CODE
    if not present.any():
        return values
    inner = np.unique(np.quantile(values[present], np.arange(1, MAX_BINS) / MAX_BINS))
    groups = np.searchsorted(inner, values, side="right")
    return np.where(present, groups, MISSING_CODE)


def _levels(codes: IntArray) -> sparse.csr_matrix:
    _, level = np.unique(codes, return_inverse=True)
    n = len(codes)
    return sparse.csr_matrix((np.ones(n), (np.arange(n), level)), shape=(n, int(level.max()) + 1))
