"""Raw columns into answer codes and states."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from schemas.codebook import TruthStatus
from schemas.study import MissingKind
from survey.data import Code
from survey.formats.columns import plain_code
from survey.formats.tagged_missing import stored
from survey.prepared import Answers

INT32_MAX = 2**31 - 1
NOT_ASKED: TruthStatus = "not_asked"


def values_seen(column: "pd.Series[Any]") -> dict[Code, int]:
    """Distinct values with their number of rows: numbers ascending, then texts by alphabet; blanks left out."""
    counts = column.value_counts(dropna=True)
    seen = {plain_code(value): int(n) for value, n in counts.items()}
    return dict(sorted(seen.items(), key=lambda item: code_rank(item[0])))


def code_rank(code: Code) -> tuple[bool, float, str]:
    """Sorts numbers ascending before texts by alphabet."""
    return (True, 0.0, code) if isinstance(code, str) else (False, float(code), "")


def encode(column: "pd.Series[Any]", codes: Mapping[Code, int], missing: Mapping[Code, MissingKind]) -> Answers:
    """Answer codes and states of a raw column.

    Args:
        column: raw values.
        codes: raw value -> answer code.
        missing: raw value -> kind. A value in neither is `file_missing`; preparing reports it before.
    """
    raw = column.to_numpy(dtype=object, na_value=None)
    status = np.full(len(column), "file_missing", dtype=object)  # one word held once: a sixth of the memory
    numbers = np.zeros(len(column), dtype="int32")
    status[column.isna().to_numpy(dtype=bool)] = NOT_ASKED
    for value, positions in _positions(raw).items():
        if value in codes:
            status[positions] = "answered"
            numbers[positions] = codes[value]
        elif value in missing:
            status[positions] = missing[value]
    return Answers(pd.arrays.IntegerArray(numbers, status != "answered"), status)


def _positions(raw: np.ndarray[Any, Any]) -> dict[Code, np.ndarray[Any, Any]]:
    groups = pd.Series(raw, dtype=object).groupby(raw, sort=False).indices
    return {plain_code(value): positions for value, positions in groups.items()}


def without_missing(column: "pd.Series[Any]", missing: Iterable[Code]) -> "pd.Series[Any]":
    """The column with null wherever its value is one of `missing`."""
    codes: Iterable[object] = stored(missing) if pd.api.types.is_numeric_dtype(column.dtype) else missing
    wanted = [code for code in codes if isinstance(code, str) != pd.api.types.is_numeric_dtype(column.dtype)]
    return column.mask(column.isin(wanted))
