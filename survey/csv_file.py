"""CSV files: delimiter, encoding and types found out; nothing guessed about what a code means.

A cell is blank if it holds nothing but spaces. A column is numeric if every other cell is a number without leading
zeros ("02139" is a text); `NA`, `NaN`, `null` and `.` count as blank in such a column only.
"""

import csv
import io
import re
from pathlib import Path

import pandas as pd

from schemas.errors import SurveyFileError
from survey.columns import holds_dates, kind_of, number_column, text_column
from survey.data import ReadTable, Variable

_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = r"[+-]?(?:0|[1-9]\d*)?(?:\.\d+|\.)?(?:[eE][+-]?\d+)?"
_BLANK_WORDS = frozenset({"NA", "N/A", "NaN", "nan", "null", "NULL", "."})
_CONVERT_HINT = "Save it again as UTF-8 CSV with a header line."


def read_csv(path: Path) -> ReadTable:
    """All rows of a CSV file with a header line.

    Raises:
        SurveyFileError: no header, a row with too many or too few cells, an open quotation mark, binary data.
    """
    text, warnings = _text(path)
    delimiter = _delimiter(text)
    header, rows, n_blank = _rows(path, text, delimiter)
    if n_blank:
        warnings.append(f"{n_blank} lines without any character were passed over.")
    cells = list(zip(*rows, strict=True)) or [()] * len(header)
    columns: dict[str, pd.Series[object]] = {}
    for name, values in zip(header, cells, strict=True):
        columns[name], found = _column(name, values, decimal_comma=delimiter == ";")
        warnings += found
    variables = {name: Variable(name, kind=kind_of(column, {})) for name, column in columns.items()}
    return ReadTable(pd.DataFrame(columns), variables, warnings)


def _text(path: Path) -> tuple[str, list[str]]:
    data = path.read_bytes()
    if b"\0" in data:
        raise SurveyFileError("This is not a text file.", where=str(path), hint=_CONVERT_HINT)
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        note = "The file is not UTF-8; it was read as Latin-1. Check letters with accents."
        return data.decode("latin-1"), [note]


def _delimiter(text: str) -> str:
    first = text.lstrip().split("\n", 1)[0]
    return max(_DELIMITERS, key=lambda sign: (first.count(sign), -_DELIMITERS.index(sign)))


def _rows(path: Path, text: str, delimiter: str) -> tuple[list[str], list[list[str]], int]:
    """Header, rows of the header's width, and the number of empty lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    rows: list[list[str]] = []
    n_blank = 0
    try:
        for row in reader:
            if not row:
                n_blank += 1
            elif not header:
                header = _checked_header(path, row)
            elif len(row) != len(header):
                raise _ragged(path, reader.line_num, len(row), len(header))
            else:
                rows.append(row)
    except csv.Error as e:
        raise SurveyFileError(
            "A quotation mark is opened and not closed, or a cell is far too long.",
            where=f"{path}:{reader.line_num}",
            hint="Write a quotation mark inside a quoted cell twice.",
        ) from e
    return header, rows, n_blank


def _ragged(path: Path, line: int, found: int, wanted: int) -> SurveyFileError:
    return SurveyFileError(
        f"The row has {found} cells and the header has {wanted}.",
        where=f"{path}:{line}",
        hint="Put cells that hold the delimiter or a line break in quotation marks.",
    )


def _checked_header(path: Path, row: list[str]) -> list[str]:
    header = [name.strip() for name in row]
    if "" in header:
        raise SurveyFileError(
            f"Column {header.index('') + 1} has no name.", where=f"{path}:1", hint="Name every column."
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise SurveyFileError(
            f"Several columns are named {', '.join(repeated)}.", where=f"{path}:1", hint="Rename all but one."
        )
    return header


def _column(name: str, values: tuple[str, ...], *, decimal_comma: bool) -> tuple["pd.Series[object]", list[str]]:
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


def looks_numeric(text: str) -> bool:
    """The text is a number as this module reads one."""
    return bool(re.fullmatch(_NUMBER, text)) and any(sign.isdigit() for sign in text)
