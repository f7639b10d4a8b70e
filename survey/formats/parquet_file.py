"""Parquet files: numbers, text, categories, booleans and dates; labels are not part of the format."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SurveyFileError
from survey.data import ReadTable, Variable
from survey.formats.columns import date_column, kind_of, number_column, text_column

MOST_ROWS, MOST_CELLS = 20_000_000, 1_000_000_000


def read_parquet(path: Path, keep: Collection[str] | None = None) -> ReadTable:
    """All rows of a Parquet file, and its columns that are wanted (None: all).

    Columns of nested types are left out with a warning.

    Raises:
        SurveyFileError: not a Parquet file, cut short, or with two columns of one name.
    """
    try:
        schema = pq.read_schema(path)
        names = schema.names
        wanted = [name for name in names if keep is None or name in keep]
        if len(set(names)) < len(names):
            raise SurveyFileError("Two columns have the same name.", where=str(path), hint="Rename one of them.")
        n_rows = pq.read_metadata(path).num_rows
        _check_size(path, n_rows, len(wanted))
        table = pq.read_table(path, columns=wanted)
    except (pa.ArrowException, OSError) as e:
        raise SurveyFileError(
            "This is not a Parquet file, or it was cut short.",
            where=str(path),
            hint="Copy or write it again.",
        ) from e
    columns = {name: _column(table.column(name)) for name in wanted}
    left_out = [name for name, column in columns.items() if column is None]
    kept = {name: column for name, column in columns.items() if column is not None}
    described = [name for name in names if name not in left_out]
    variables = {n: Variable(n, kind=kind_of(kept[n], {}) if n in kept else "numeric") for n in described}
    warnings = [f"{name}: left out, its type {table.column(name).type} has no codes." for name in left_out]
    return ReadTable(pd.DataFrame(kept, index=range(n_rows)), variables, warnings)


def _check_size(path: Path, n_rows: int, n_columns: int) -> None:
    """A few bytes can stand for a billion equal cells."""
    if n_rows > MOST_ROWS or n_rows * n_columns > MOST_CELLS:
        what = f"The file has {n_rows:,} rows and {n_columns:,} columns; at most {MOST_ROWS:,} rows are read."
        raise SurveyFileError(what, where=str(path), hint="Write the rows and columns that the study needs.")


def _column(values: pa.ChunkedArray) -> "pd.Series[Any] | None":
    """One column in our form, None if its type holds no codes."""
    kind, of = values.type, pa.types
    if of.is_dictionary(kind):
        return _column(values.cast(kind.value_type))
    if of.is_boolean(kind) or of.is_decimal(kind):
        return number_column(values.cast(pa.int8() if of.is_boolean(kind) else pa.float64()).to_pandas())
    if of.is_integer(kind) or of.is_floating(kind) or of.is_null(kind):
        return number_column(pd.to_numeric(values.to_pandas()))
    if of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind):
        return text_column(values.to_pandas())
    if of.is_temporal(kind) and not of.is_duration(kind):
        return date_column(pd.Series(values.to_pylist(), dtype=object))
    return None
