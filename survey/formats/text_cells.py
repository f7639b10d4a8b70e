"""Tables of text cells, as CSV files and spreadsheets give them, into columns; only wanted columns are held.

A cell is blank if it holds nothing but spaces. A column is numeric if every other cell is a number without leading
zeros ("02139" is a text); `NA`, `NaN`, `null` and `.` count as blank in such a column only.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from schemas.errors import SurveyFileError
from survey.data import ReadTable, Variable
from survey.formats.columns import holds_dates, kind_of, number_column, text_column
from survey.formats.qualtrics import has_three_headers, label_of, trial_warning

_NUMBER = r"[+-]?(?:0|[1-9]\d*)?(?:\.\d+|\.)?(?:[eE][+-]?\d+)?"
_BLANK_WORDS = frozenset({"NA", "N/A", "NaN", "nan", "null", "NULL", "."})
_BLOCK_ROWS = 5_000
_MOST_NAMED = 10
MOST_COLUMNS = 50_000
"""The widest surveys have some 10,000."""


class Row(NamedTuple):
    """One row and the line of the file on which it ends."""

    line: int
    cells: list[str]


def table_of(path: Path, rows: Iterator[Row], keep: Collection[str] | None, *, decimal_comma: bool) -> ReadTable:
    """Columns of a table whose first row names them; Qualtrics' second and third row are labels and import ids.

    Args:
        path: for messages.
        rows: rows of text cells.
        keep: columns that are wanted; None for all.
        decimal_comma: `0,5` is a number.

    Raises:
        SurveyFileError: no header, or a row of another width.
    """
    first = next(rows, None)
    header = checked_header(path, first) if first is not None else []
    labels: dict[str, str] = {}
    peeked = list(islice(rows, 2))
    if len(peeked) == 2 and has_three_headers(peeked[1].cells):
        texts = peeked[0].cells + [""] * len(header)
        labels = {name: label_of(name, text) for name, text in zip(header, texts, strict=False)}
        peeked = []
    wanted = [position for position, name in enumerate(header) if keep is None or name in keep]
    cells, n_rows = _cells(path, chain(peeked, rows), len(header), wanted)
    columns: dict[str, pd.Series[object]] = {}
    warnings: list[str] = []
    for position in wanted:
        name = header[position]
        columns[name], found = _column(name, cells.pop(position), decimal_comma=decimal_comma)
        warnings += found
    if labels:
        warnings += trial_warning(columns)
    variables = {name: _variable(name, columns.get(name), labels.get(name, "")) for name in header}
    return ReadTable(pd.DataFrame(columns, index=range(n_rows)), variables, warnings)


def checked_header(path: Path, first: Row) -> list[str]:
    """Names of the columns.

    Raises:
        SurveyFileError: a column has no name, two have the same, or there are far too many.
    """
    header = [name.strip() for name in first.cells]
    if len(header) > MOST_COLUMNS:
        what = f"The table has {len(header):,} columns; at most {MOST_COLUMNS:,} are read."
        raise SurveyFileError(what, where=f"{path}:{first.line}", hint="Is the delimiter right?")
    if "" in header:
        raise SurveyFileError(
            f"Column {header.index('') + 1} has no name.", where=f"{path}:{first.line}", hint="Name every column."
        )
    repeated = sorted(name for name, n in Counter(header).items() if n > 1)
    if repeated:
        more = ", ..." if len(repeated) > _MOST_NAMED else ""
        raise SurveyFileError(
            f"Several columns are named {', '.join(repeated[:_MOST_NAMED])}{more}.",
            where=f"{path}:{first.line}",
            hint="Rename all but one.",
        )
    return header


def _cells(path: Path, rows: Iterable[Row], width: int, wanted: list[int]) -> tuple[dict[int, list[str]], int]:
    """Position -> cells of the wanted columns, equal texts held once; and the number of rows."""
    cells: dict[int, list[str]] = {position: [] for position in wanted}
    known: dict[int, dict[str, str]] = {position: {} for position in wanted}
    n_rows, rows = 0, iter(rows)
    while block := list(islice(rows, _BLOCK_ROWS)):
        for row in block:
            if len(row.cells) != width:
                raise _ragged(path, row, width)
        n_rows += len(block)
        columns = list(zip(*(row.cells for row in block), strict=True))
        for position in wanted:
            same = known[position].setdefault
            cells[position] += [same(cell, cell) for cell in columns[position]]
    return cells, n_rows


def _ragged(path: Path, row: Row, width: int) -> SurveyFileError:
    return SurveyFileError(
        f"The row has {len(row.cells)} cells and the header has {width}.",
        where=f"{path}:{row.line}",
        hint="Put cells that hold the delimiter or a line break in quotation marks.",
    )


def _variable(name: str, column: "pd.Series[object] | None", label: str) -> Variable:
    return Variable(name, label=label, kind="numeric" if column is None else kind_of(column, {}))


def _column(name: str, values: list[str], *, decimal_comma: bool) -> tuple["pd.Series[object]", list[str]]:
    texts = text_column(pd.Series(values, name=name, dtype="str").str.strip())
    numbers = texts.where(~texts.isin(_BLANK_WORDS), None).astype("str")
    n_words = int(numbers.isna().sum() - texts.isna().sum())
    if decimal_comma:
        numbers = numbers.str.replace(",", ".", regex=False)
    present = numbers.dropna()
    is_number = present.str.fullmatch(_NUMBER) & present.str.contains(r"\d", regex=True)
    if len(present) == 0 or not bool(is_number.all()) or holds_dates(present):
        return texts, []
    found = [f"{name}: {n_words} cells such as NA were read as blank."] if n_words else []
    return number_column(pd.to_numeric(numbers)), found
