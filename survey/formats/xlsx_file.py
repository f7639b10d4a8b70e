"""Excel workbooks: the first sheet that holds something, its first row the names; cells read as a CSV file's are."""

import datetime as dt
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from warnings import catch_warnings
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from schemas.errors import SurveyFileError
from survey.data import ReadTable
from survey.formats.text_cells import Row, table_of

_READER_ERRORS = (BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, IndexError, EOFError)


MOST_BYTES = 1 << 30
"""Unpacked; a sheet of a million rows and a hundred columns has some 3 GB, and is no survey for Excel any more."""
MOST_ROWS = 1_048_576
"""As many as a sheet can have; a file may claim more and make us count through them."""


def read_xlsx(path: Path, keep: Collection[str] | None = None) -> ReadTable:
    """All rows of a workbook's first sheet that is not empty, and its columns that are wanted; see `table_of`.

    Raises:
        SurveyFileError: no workbook, damaged, protected by a password, or a cell beyond the header.
    """
    with catch_warnings(action="ignore"), path.open("rb") as file:  # styles and validations do not matter here
        try:
            _check_size(path)
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            try:
                return _table(path, book, keep)
            finally:
                book.close()
        except _READER_ERRORS as e:
            raise _damaged(path) from e


def _check_size(path: Path) -> None:
    with ZipFile(path) as archive:
        n_bytes = sum(part.file_size for part in archive.infolist())
    if n_bytes > MOST_BYTES:
        what = f"The workbook unpacks to {n_bytes / (1 << 20):,.0f} MB; at most {MOST_BYTES >> 20:,} MB are read."
        raise SurveyFileError(what, where=str(path), hint="Export the sheet as .csv.")


def _damaged(path: Path) -> SurveyFileError:
    return SurveyFileError(
        "This is not an Excel workbook, or it is damaged or protected by a password.",
        where=str(path),
        hint="Open it in Excel and save it again as .xlsx without a password, or export it as .csv.",
    )


def _table(path: Path, book: Any, keep: Collection[str] | None) -> ReadTable:  # noqa: ANN401 - openpyxl has no types
    filled = [sheet for sheet in book.worksheets if next(_rows(sheet), None) is not None]
    if not filled:
        return table_of(path, iter(()), keep, decimal_comma=False)
    table = table_of(path, _rows(filled[0]), keep, decimal_comma=False)
    others = ", ".join(sheet.title for sheet in filled[1:])
    note = f"Only the sheet {filled[0].title} was read; there is also {others}."
    return table._replace(warnings=[note, *table.warnings] if others else table.warnings)


def _rows(sheet: Any) -> Iterator[Row]:  # noqa: ANN401 - likewise
    """Rows that hold something, as wide as the header: blank cells behind it are none."""
    width = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > MOST_ROWS:
            raise ValueError("a sheet has no such row")
        cells = [_text(value) for value in values]
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if not any(cells):
            continue
        width = width or len(cells)
        yield Row(number, cells + [""] * (width - len(cells)))


def _text(value: object) -> str:
    """A cell as a CSV file would say it; dates as `YYYYMMDD`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.strftime("%Y%m%d" if value.time() == dt.time(0) else "%Y%m%d %H:%M:%S")
    if isinstance(value, dt.date):
        return value.strftime("%Y%m%d")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
