"""Columns of predictions.parquet that only some kinds of questions fill: numbers, and sets of codes.

Files written before there were such kinds have none of these columns; everything then reads as not there.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.arrays import BoolArray, FloatArray, IntArray
from storage.parts import open_table, read_table
from storage.store import Store


@dataclass(frozen=True)
class CodeSets:
    """Codes ticked by row of the file: one entry a row and code, rows ascending."""

    row: IntArray
    code: IntArray

    def dense(self, rows: IntArray, codes: tuple[int, ...]) -> BoolArray:
        """Whether each of `rows` holds each of `codes`, shape (len(rows), K)."""
        held = np.zeros((rows.size, len(codes)), dtype=np.bool_)
        place = np.argsort(rows)
        at = np.searchsorted(rows[place], self.row)
        inside = at < rows.size
        inside[inside] = rows[place][at[inside]] == self.row[inside]
        for k, code in enumerate(codes):
            hit = inside & (self.code == code)
            held[place[at[hit]], k] = True
        return held


@dataclass(frozen=True)
class KindColumns:
    """Numbers are NaN and sets empty where a row has none; one entry a row of the file."""

    answer_number: FloatArray
    truth_number: FloatArray
    answer_codes: CodeSets
    truth_codes: CodeSets


def read_kind_columns(store: Store, rel: str, *, numbers: bool, sets: bool) -> KindColumns:
    """The columns of all rows, in the order of the file; what is not wanted is not read.

    Raises:
        StoreError: damaged. FormatError: another format.
    """
    with open_table(store, rel) as file:
        there, n = file.schema_arrow.names, file.metadata.num_rows
    of_kinds = {"answer_number": numbers, "truth_number": numbers, "answer_codes": sets, "truth_codes": sets}
    wanted = [name for name, is_wanted in of_kinds.items() if is_wanted and name in there]
    table = read_table(store, rel, wanted) if wanted else pa.table({})
    return KindColumns(
        _numbers(table, "answer_number", n),
        _numbers(table, "truth_number", n),
        _sets(table, "answer_codes"),
        _sets(table, "truth_codes"),
    )


def _numbers(table: pa.Table, name: str, n: int) -> FloatArray:
    if name not in table.column_names:
        return np.full(n, np.nan)
    return np.asarray(pc.fill_null(table[name], np.nan).to_numpy(), dtype=np.float64)


def _sets(table: pa.Table, name: str) -> CodeSets:
    if name not in table.column_names or table[name].null_count == table.num_rows:
        return CodeSets(np.zeros(0, np.int64), np.zeros(0, np.int64))
    lists = table[name].combine_chunks()
    row = np.asarray(pc.list_parent_indices(lists).to_numpy(), dtype=np.int64)
    return CodeSets(row, np.asarray(pc.list_flatten(lists).to_numpy(), dtype=np.int64))
