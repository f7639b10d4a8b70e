"""How closely two coded variables go together: Cramér's V with the correction for small tables.

Source: Bergsma, A bias-correction for Cramér's V and Tschuprow's T, Journal of the Korean Statistical Society 42
(2013), equations 6 to 9.
"""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def cramers_v(one: IntArray, other: IntArray) -> float:
    """Association of two variables, 0 (none) to 1 (one says the other), NaN with fewer than two codes in either.

    Args:
        one: shape (N,), codes; any whole numbers.
        other: likewise.
    """
    n = len(one)
    _, rows = np.unique(one, return_inverse=True)
    _, columns = np.unique(other, return_inverse=True)
    n_rows, n_columns = int(rows.max(initial=0)) + 1, int(columns.max(initial=0)) + 1
    if n < 2 or n_rows < 2 or n_columns < 2:
        return float("nan")
    counts = np.bincount(rows * n_columns + columns, minlength=n_rows * n_columns).reshape(n_rows, n_columns)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / n
    phi2 = float(((counts - expected) ** 2 / expected).sum()) / n
    corrected = max(0.0, phi2 - (n_rows - 1) * (n_columns - 1) / (n - 1))
    rows_left = n_rows - (n_rows - 1) ** 2 / (n - 1)
    columns_left = n_columns - (n_columns - 1) ** 2 / (n - 1)
    return float(np.sqrt(corrected / max(min(rows_left, columns_left) - 1, 1e-12)))


def tenths(values: npt.NDArray[np.float64]) -> IntArray:
    """Numbers as the tenth of all in which they lie, 0 to 9; equal numbers share one."""
    cuts = np.unique(np.quantile(values, np.arange(0.1, 1.0, 0.1)))
    return np.searchsorted(cuts, values, side="right").astype(np.int64)
