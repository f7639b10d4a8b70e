"""Earlier predictions from a wide CSV: one row per respondent, one column per question."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from schemas.errors import StudyError
from schemas.identity import bytes_digest
from storage.named_file import checked_file

_WHOLE_FLOAT = re.compile(r"(-?\d+)\.0+")


@dataclass(frozen=True)
class Imported:
    """What an import file says.

    Attributes:
        answers: question -> respondent id -> answer as found; empty cells are absent.
        sha256: of the file.
    """

    answers: Mapping[str, Mapping[str, str]]
    sha256: str


def read_import(path: Path, *, id_column: str, questions: Collection[str], suffix: str, required: bool) -> Imported:
    """Answers of the questions that have a column `{question}{suffix}`.

    Whole numbers written with decimals ("2.0", as tools write a column with gaps) are read as "2", in answers and ids.

    Args:
        path: of the CSV, in UTF-8.
        id_column: the survey's respondent id variable.
        questions: ids to look for.
        suffix: follows the id in a column's name.
        required: every question needs its column (the arm names its questions); else at least one.

    Raises:
        StudyError: no such file, no table, a column is missing, or an id comes twice.
    """
    data = _bytes(path)
    frame = _frame(path)
    if id_column not in frame.columns:
        raise StudyError(f"the import has no column {id_column}.", where=str(path), hint=_columns(frame))
    found = [q for q in questions if f"{q}{suffix}" in frame.columns]
    missing = [f"{q}{suffix}" for q in questions if q not in found]
    if missing and (required or not found):
        raise StudyError(
            f"the import has no column {missing[0]}.",
            where=str(path),
            hint=f"`suffix` is {suffix!r}. {_columns(frame)}",
        )
    ids = [_plain(value) for value in frame[id_column]]
    if len(set(ids)) < len(ids):
        raise StudyError(f"the import has two rows with one {id_column}.", where=str(path))
    return Imported({q: _answers(ids, frame[f"{q}{suffix}"]) for q in found}, bytes_digest(data))


def _bytes(path: Path) -> bytes:
    try:
        return checked_file(path).read_bytes()
    except OSError as e:
        reason = "is not there" if isinstance(e, FileNotFoundError) else "cannot be read"
        hint = "The path is relative to the study."
        raise StudyError(f"the import file {reason}.", where=str(path), hint=hint) from e


def _frame(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, UnicodeError) as e:  # pandas' parser errors are ValueErrors
        raise StudyError("the import is no CSV table in UTF-8.", where=str(path)) from e


def _answers(ids: list[str], column: "pd.Series[str]") -> dict[str, str]:
    texts = (_plain(value) for value in column)
    return {respondent: text for respondent, text in zip(ids, texts, strict=True) if text}


def _plain(value: str) -> str:
    text = value.strip()
    whole = _WHOLE_FLOAT.fullmatch(text)
    return whole[1] if whole else text


def _columns(frame: pd.DataFrame) -> str:
    return f"It has: {', '.join(map(str, frame.columns[:12]))}{', ...' if len(frame.columns) > 12 else ''}."
