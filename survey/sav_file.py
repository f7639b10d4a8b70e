"""SPSS files (.sav, .zsav): codes, labels, question texts and declared missing values.

Source: pyreadstat 1.3 documentation; `missing_ranges` is filled only with `user_missing=True`, without it declared
missing values become blanks and a refusal can no longer be told from a question not asked.
"""

from pathlib import Path
from typing import Any
from warnings import catch_warnings

import pandas as pd
import pyreadstat

from schemas.errors import SurveyFileError
from survey.columns import date_column, kind_of, number_column, plain_code, text_column
from survey.data import Code, ReadTable, Variable
from survey.question_text import without_name

_READER_ERRORS = (
    pyreadstat.ReadstatError,
    pyreadstat.PyreadstatError,
    UnicodeDecodeError,
    ValueError,
    OverflowError,
)
_CUT_SHORT = ("expected number of rows", "unable to read from file")


def read_sav(path: Path) -> ReadTable:
    """All rows and variables of an SPSS file.

    Raises:
        SurveyFileError: not an SPSS file, cut short, or in an encoding that cannot be read.
    """
    with catch_warnings(record=True, action="always") as caught:
        raw, meta, warnings = _read(path)
    if any("duplicated" in str(entry.message) for entry in caught):
        warnings.append("Several variables have the same name; the later ones end in `_duplicated` and a number.")
    if not all(isinstance(name, str) and name for name in meta.column_names):
        raise _damaged(path)
    columns: dict[str, Any] = {}
    variables: dict[str, Variable] = {}
    for name in meta.column_names:
        columns[name] = _column(raw[name], str(meta.original_variable_types[name]))
        variables[name] = _variable(name, columns[name], meta)
        warnings += _repeated_labels(variables[name])
    return ReadTable(pd.DataFrame(columns), variables, warnings)


def _read(path: Path) -> tuple[pd.DataFrame, Any, list[str]]:
    try:
        raw, meta = pyreadstat.read_sav(str(path), user_missing=True)
    except _READER_ERRORS as e:
        if "convert string" not in str(e).lower() and not isinstance(e, UnicodeDecodeError):
            raise _unreadable(path, e) from e
        raw, meta = _read_latin1(path)
        return raw, meta, ["The file's texts are not in the encoding it declares; they were read as Latin-1."]
    return raw, meta, []


def _read_latin1(path: Path) -> tuple[pd.DataFrame, Any]:
    try:
        raw, meta = pyreadstat.read_sav(str(path), user_missing=True, encoding="LATIN1")
    except _READER_ERRORS as e:
        raise _unreadable(path, e) from e
    return raw, meta


def _unreadable(path: Path, cause: Exception) -> SurveyFileError:
    if any(sign in str(cause).lower() for sign in _CUT_SHORT):
        return SurveyFileError(
            "The SPSS file ends too early: it was cut short or is still being written.",
            where=str(path),
            hint="Copy or download it again and compare its size with the original.",
        )
    return _damaged(path)


def _damaged(path: Path) -> SurveyFileError:
    return SurveyFileError(
        "This is not an SPSS file, or it is damaged.",
        where=str(path),
        hint="Open it in SPSS or PSPP and save it as .sav again, or export it as .csv.",
    )


def _column(raw: "pd.Series[Any]", spss_format: str) -> "pd.Series[Any]":
    if spss_format.startswith("A"):
        return text_column(raw)
    if pd.api.types.is_numeric_dtype(raw.dtype):
        return number_column(raw)
    return date_column(raw)


def _variable(name: str, column: "pd.Series[Any]", meta: Any) -> Variable:  # noqa: ANN401 - the reader's untyped metadata
    given = meta.variable_value_labels.get(name, {})
    labels: dict[Code, str] = {plain_code(code): str(label).strip() for code, label in given.items()}
    missing = meta.missing_ranges.get(name, [])
    texts = [str(r["lo"]).rstrip() for r in missing if isinstance(r["lo"], str)]
    ranges = [(float(r["lo"]), float(r["hi"])) for r in missing if not isinstance(r["lo"], str)]
    return Variable(
        name=name,
        label=without_name(name, meta.column_names_to_labels.get(name) or ""),
        labels=labels,
        kind=kind_of(column, labels),
        declared_missing=ranges,
        declared_missing_texts=texts,
        measure=meta.variable_measure.get(name, "unknown"),
    )


def _repeated_labels(variable: Variable) -> list[str]:
    texts = list(variable.labels.values())
    repeated = sorted({text for text in texts if texts.count(text) > 1})
    return [f"{variable.name}: several codes have the label '{text}'; they stay apart." for text in repeated]
