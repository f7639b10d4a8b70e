"""Numeric questions: bins as options, and whether only whole numbers occur. Pure."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.float64]


def is_whole(numbers: Numbers, minimum: float, maximum: float) -> bool:
    """Only whole numbers were given, and the bounds are whole."""
    bounds = float(minimum).is_integer() and float(maximum).is_integer()
    return bounds and bool(np.all(numbers == np.floor(numbers)))


def bin_labels(minimum: float, maximum: float, starts: Sequence[float], *, whole: bool, unit: str) -> dict[int, str]:
    """Codes 1..K with labels as in `0 to 4 hours`."""
    edges = [minimum, *starts]
    after = f" {unit}" if unit else ""
    labels = {}
    for code, low in enumerate(edges, start=1):
        if code == len(edges):
            labels[code] = f"{low:g}{after}" if low == maximum else f"{low:g} to {maximum:g}{after}"
        elif whole:
            high = edges[code] - 1
            labels[code] = f"{low:g}{after}" if low == high else f"{low:g} to {high:g}{after}"
        else:
            labels[code] = f"{low:g} to under {edges[code]:g}{after}"
    return labels


def binned(numbers: Numbers, starts: Sequence[float]) -> pd.arrays.IntegerArray:
    """Bin of each number, 1..K, null for NaN; a number on an edge belongs to the bin that starts there."""
    missing = np.isnan(numbers)
    codes = np.searchsorted(np.asarray(starts, dtype=np.float64), np.nan_to_num(numbers), side="right") + 1
    return pd.arrays.IntegerArray(codes.astype("int32"), missing)
