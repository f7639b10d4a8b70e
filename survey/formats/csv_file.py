"""CSV and TSV files: delimiter, encoding and types found out; nothing guessed about what a code means."""

import codecs
import csv
import functools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TextIO

from schemas.errors import SurveyFileError
from survey.data import ReadTable
from survey.formats.text_cells import Row, table_of

_DELIMITERS = (",", ";", "\t", "|")
_CONVERT_HINT = "Save it again as UTF-8 CSV with a header line."
_CHUNK_BYTES = 1 << 20


def read_csv(path: Path, keep: Collection[str] | None = None) -> ReadTable:
    """All rows of a CSV file with a header line, and its columns that are wanted; see `table_of`.

    Raises:
        SurveyFileError: no header, a row with too many or too few cells, an open quotation mark, binary data.
    """
    encoding, warnings = _encoding(path)
    delimiter = _delimiter(path, encoding)
    blank = [0]
    with path.open(encoding=encoding, newline="") as file:
        table = table_of(path, _rows(path, file, delimiter, blank), keep, decimal_comma=delimiter == ";")
    if blank[0]:
        warnings.append(f"{blank[0]} lines without any character were passed over.")
    return ReadTable(table.frame, table.variables, [*warnings, *table.warnings])


def _encoding(path: Path) -> tuple[str, list[str]]:
    """UTF-8, UTF-16 where a mark says so (Qualtrics' TSV), else Latin-1 with a note."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return _utf16(path), []
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        is_utf8 = True
        for chunk in iter(functools.partial(file.read, _CHUNK_BYTES), b""):
            if b"\0" in chunk:
                raise SurveyFileError("This is not a text file.", where=str(path), hint=_CONVERT_HINT)
            is_utf8 = is_utf8 and _decodes(decoder, chunk, final=False)
    if is_utf8 and _decodes(decoder, b"", final=True):
        return "utf-8-sig", []
    return "latin-1", ["The file is not UTF-8; it was read as Latin-1. Check letters with accents."]


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _utf16(path: Path) -> str:
    with path.open("rb") as file:
        decoder = codecs.getincrementaldecoder("utf-16")()
        readable = all(_decodes(decoder, chunk, final=False) for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))
    if not (readable and _decodes(decoder, b"", final=True)):
        raise SurveyFileError("The UTF-16 text is damaged.", where=str(path), hint=_CONVERT_HINT)
    return "utf-16"


def _delimiter(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="") as file:
        first = next((line for line in file if line.strip()), "")
    return max(_DELIMITERS, key=lambda sign: (first.count(sign), -_DELIMITERS.index(sign)))


def _rows(path: Path, file: TextIO, delimiter: str, blank: list[int]) -> Iterator[Row]:
    """Rows with the line they end on; `blank` counts lines without any character."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield Row(reader.line_num, row)
            else:
                blank[0] += 1
    except csv.Error as e:
        raise SurveyFileError(
            "A quotation mark is opened and not closed, or a cell is far too long.",
            where=f"{path}:{reader.line_num}",
            hint="Write a quotation mark inside a quoted cell twice.",
        ) from e
