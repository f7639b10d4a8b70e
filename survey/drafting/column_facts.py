"""What a look at one column tells: counts, distinctness, range. Small, so that the column itself need not be kept."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from survey.codes.coding import code_rank, values_seen
from survey.data import Code, Variable
from survey.formats.columns import plain_code
from survey.formats.tagged_missing import NUMBER_OF

MOST_COUNTED = 5_000
"""More distinct values are ids, amounts or free text: only labelled ones are then counted one by one."""


@dataclass(frozen=True)
class ColumnFacts:
    """One variable and its column.

    Attributes:
        seen: value -> rows, numbers ascending; with more than `MOST_COUNTED` distinct values the labelled ones only.
        n_rows: of the file.
        n_missing: blank cells.
        n_distinct: distinct values that are there.
        is_fraction: a number that is not whole is among them.
        minimum: of a column of numbers; None if it has none.
        mean: likewise.
    """

    variable: Variable
    seen: dict[Code, int]
    n_rows: int
    n_missing: int
    n_distinct: int
    is_fraction: bool
    minimum: float | None
    mean: float | None

    @property
    def is_distinct(self) -> bool:
        """Every row has a value of its own."""
        return self.n_missing == 0 and self.n_distinct == self.n_rows


def column_facts(variable: Variable, column: "pd.Series[Any]") -> ColumnFacts:
    """The facts of one column; lettered missing values count as values, not as numbers."""
    is_number = pd.api.types.is_numeric_dtype(column.dtype)
    numbers = column[~column.isin(list(NUMBER_OF.values()))].dropna() if is_number else column.iloc[:0]
    n_distinct = int(column.nunique())
    return ColumnFacts(
        variable=variable,
        seen=values_seen(column) if n_distinct <= MOST_COUNTED else _labelled(variable, column),
        n_rows=len(column),
        n_missing=int(column.isna().sum()),
        n_distinct=n_distinct,
        is_fraction=str(column.dtype) == "Float64",
        minimum=float(numbers.min()) if len(numbers) else None,
        mean=float(numbers.mean()) if len(numbers) else None,
    )


def _labelled(variable: Variable, column: "pd.Series[Any]") -> dict[Code, int]:
    counts = column.value_counts(dropna=True)
    seen = {plain_code(value): int(n) for value, n in counts.items() if plain_code(value) in variable.labels}
    return dict(sorted(seen.items(), key=lambda item: code_rank(item[0])))
