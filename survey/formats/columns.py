"""Raw columns in one form: whole numbers as Int64, other numbers as Float64, text without blanks, dates as text."""

import datetime as dt
import math
import re

import numpy as np
import pandas as pd

from survey.data import Code, VariableKind
from survey.formats.tagged_missing import tagged_code

_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_LARGEST_EXACT = float(1 << 53)
_LETTERS_BELOW = -(1 << 53) + 64
"""Numbers above are no lettered missing values; see `survey.formats.tagged_missing`."""


def plain_code(value: object) -> Code:
    """A code as int if it is a whole number, else as float, else as text without trailing blanks.

    A stored lettered missing value gives its code, as `.a`.
    """
    if isinstance(value, str):
        return value.rstrip()
    number = float(value)  # type: ignore[arg-type]
    if not (math.isfinite(number) and number.is_integer()):
        return number
    whole = int(number)
    letter = tagged_code(whole) if whole < _LETTERS_BELOW else None
    return whole if letter is None else letter


def number_column(values: "pd.Series[float]") -> "pd.Series[int]":
    """Numbers as nullable Int64 if every one is whole and exact, else as nullable Float64."""
    numbers = pd.to_numeric(values).astype("float64").to_numpy()
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    present = numbers[~np.isnan(numbers)]
    whole = bool(np.all((present == np.floor(present)) & (np.abs(present) <= _LARGEST_EXACT)))
    column = pd.array(numbers, dtype="Float64")
    column[np.isnan(numbers)] = pd.NA
    series = pd.Series(column, index=values.index, name=values.name)
    return series.astype("Int64") if whole else series


def text_column(values: "pd.Series[str]") -> "pd.Series[str]":
    """Text with trailing blanks removed; an empty or blank cell is null."""
    present = values.notna()
    texts = values.where(present, "").astype("str").str.rstrip()
    return texts.where(texts != "", None).astype("str")


def date_column(values: "pd.Series[object]") -> "pd.Series[str]":
    """Dates as `YYYYMMDD`, moments as `YYYYMMDD HH:MM:SS`, times of day as `HH:MM:SS`."""
    return pd.Series([_date_text(v) for v in values], index=values.index, name=values.name, dtype="str")


def _date_text(value: object) -> str | None:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, dt.datetime):
        at_midnight = value.time() == dt.time(0)
        return value.strftime("%Y%m%d" if at_midnight else "%Y%m%d %H:%M:%S")
    if isinstance(value, dt.date):
        return value.strftime("%Y%m%d")
    return str(value)


def holds_dates(texts: "pd.Series[str]") -> bool:
    """Every text that is there is a date as `YYYYMMDD`, and there is at least one."""
    present = texts.dropna()
    return len(present) > 0 and bool(present.str.fullmatch(_DATE.pattern).all())


def kind_of(column: "pd.Series[object]", labels: dict[Code, str]) -> VariableKind:
    """How a column reads: see `Variable.kind`."""
    is_text = not pd.api.types.is_numeric_dtype(column.dtype)
    if is_text and holds_dates(column):
        return "date"
    unlabelled = {plain_code(v) for v in column.dropna().unique()} - labels.keys()
    if labels and len(labels) > len(unlabelled):
        return "labelled"
    return "text" if is_text else "numeric"
