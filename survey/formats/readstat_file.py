"""Files of SPSS, Stata and SAS: codes, labels, question texts and declared missing values, all read by pyreadstat.

Source: pyreadstat 1.3 documentation; `missing_ranges` and lettered missing values come only with `user_missing=True`,
without it a refusal can no longer be told from a question not asked.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import pandas as pd
import pyreadstat

from schemas.errors import SurveyFileError
from survey.data import Code, ReadTable, Variable, VariableKind
from survey.formats.child import ChildCrashedError, in_child
from survey.formats.columns import date_column, kind_of, number_column, plain_code, text_column
from survey.formats.tagged_missing import NUMBER_OF, letter_code
from survey.items.question_text import without_name

READER_ERRORS = (
    pyreadstat.ReadstatError,
    pyreadstat.PyreadstatError,
    UnicodeDecodeError,
    ValueError,
    OverflowError,
)
_CUT_SHORT = ("expected number of rows", "unable to read from file")


@dataclass(frozen=True)
class ReadstatFormat:
    """One format that pyreadstat reads.

    Attributes:
        name: in messages, as "SPSS".
        read: the reader, called with a path and keywords; gives raw columns and metadata.
        remedy: what to do with a damaged file.
        labels: code labels of all variables; for formats that keep them apart.
        has_encoding: the reader can be told another encoding.
    """

    name: str
    read: Callable[..., tuple[pd.DataFrame, Any]]
    remedy: str
    labels: Callable[[Path, Any], tuple[dict[str, dict[Any, str]], list[str]]] | None = None
    has_encoding: bool = True


def read_readstat(path: Path, keep: Collection[str] | None, form: ReadstatFormat) -> ReadTable:
    """All rows of a file, and its columns that are wanted; every variable is described.

    Args:
        path: of the file.
        keep: names of variables whose columns are wanted, others are passed over; None for all.
        form: its format.

    Raises:
        SurveyFileError: of another format, cut short, damaged, or in an encoding that cannot be read.
    """
    try:
        return in_child(lambda: _read_table(path, keep, form))
    except ChildCrashedError as e:
        raise damaged(path, form) from e


def damaged(path: Path, form: ReadstatFormat) -> SurveyFileError:
    """What to say of a file that cannot be read."""
    what = f"This is not {_article(form.name)} {form.name} file, or it is damaged."
    return SurveyFileError(what, where=str(path), hint=form.remedy)


def _read_table(path: Path, keep: Collection[str] | None, form: ReadstatFormat) -> ReadTable:
    with catch_warnings(record=True, action="always") as caught:
        raw, meta, warnings = _read(path, keep, form)
    if any("duplicated" in str(entry.message) for entry in caught):
        warnings.append("Several variables have the same name; the later ones end in `_duplicated` and a number.")
    if not all(isinstance(name, str) and name for name in meta.column_names):
        raise damaged(path, form)
    labels, found = _labels(path, meta, form)
    warnings += found
    columns: dict[str, Any] = {}
    variables: dict[str, Variable] = {}
    for name in meta.column_names:
        column = None
        if name in raw.columns and (keep is None or name in keep):
            column = columns[name] = _column(raw.pop(name), meta, name)
        variables[name] = _variable(name, column, labels.get(name, {}), meta)
        warnings += _repeated_labels(variables[name])
    return ReadTable(pd.DataFrame(columns, index=range(len(raw))), variables, warnings)


def _read(path: Path, keep: Collection[str] | None, form: ReadstatFormat) -> tuple[pd.DataFrame, Any, list[str]]:
    try:
        raw, meta = _wanted(path, keep, form, {})
    except READER_ERRORS as e:
        foreign_text = "convert string" in str(e).lower() or isinstance(e, UnicodeDecodeError)
        if not (foreign_text and form.has_encoding):
            raise _unreadable(path, e, form) from e
        raw, meta = _read_latin1(path, keep, form)
        return raw, meta, ["The file's texts are not in the encoding it declares; they were read as Latin-1."]
    return raw, meta, []


def _read_latin1(path: Path, keep: Collection[str] | None, form: ReadstatFormat) -> tuple[pd.DataFrame, Any]:
    try:
        return _wanted(path, keep, form, {"encoding": "LATIN1"})
    except READER_ERRORS as e:
        raise _unreadable(path, e, form) from e


def _wanted(
    path: Path, keep: Collection[str] | None, form: ReadstatFormat, options: dict[str, str]
) -> tuple[pd.DataFrame, Any]:
    """Raw columns that are wanted, at least one for the number of rows, and the metadata of all."""
    if keep is None:
        return form.read(str(path), user_missing=True, **options)
    _, meta = form.read(str(path), user_missing=True, metadataonly=True, **options)
    names = [name for name in meta.column_names if isinstance(name, str)]
    wanted = [name for name in names if name in keep] or names[:1]
    raw, _ = form.read(str(path), user_missing=True, usecols=wanted, **options)
    return raw, meta


def _unreadable(path: Path, cause: Exception, form: ReadstatFormat) -> SurveyFileError:
    if any(sign in str(cause).lower() for sign in _CUT_SHORT):
        return SurveyFileError(
            f"The {form.name} file ends too early: it was cut short or is still being written.",
            where=str(path),
            hint="Copy or download it again and compare its size with the original.",
        )
    return damaged(path, form)


def _article(word: str) -> str:
    return "an" if word.startswith("SPSS") else "a"


def _labels(path: Path, meta: Any, form: ReadstatFormat) -> tuple[dict[str, dict[Any, str]], list[str]]:  # noqa: ANN401 - the reader's untyped metadata
    if form.labels is not None:
        return form.labels(path, meta)
    return meta.variable_value_labels, []


def _column(raw: "pd.Series[Any]", meta: Any, name: str) -> "pd.Series[Any]":  # noqa: ANN401 - likewise
    if meta.readstat_variable_types[name] == "string":
        return text_column(raw)
    if pd.api.types.is_numeric_dtype(raw.dtype):
        return number_column(raw)
    values = raw.to_numpy(dtype=object)
    codes = [letter_code(value) for value in values]
    if all(code is not None or isinstance(value, int | float) for code, value in zip(codes, values, strict=True)):
        numbers = [value if code is None else NUMBER_OF[code] for code, value in zip(codes, values, strict=True)]
        return number_column(pd.Series(numbers, index=raw.index, name=name, dtype="float64"))
    return date_column(raw.where(pd.Series([code is None for code in codes], index=raw.index), None))


def _variable(name: str, column: "pd.Series[Any] | None", given: dict[Any, str], meta: Any) -> Variable:  # noqa: ANN401 - likewise
    labels: dict[Code, str] = {_label_code(code, name, meta): str(label).strip() for code, label in given.items()}
    missing = meta.missing_ranges.get(name, [])
    texts = [str(r["lo"]).rstrip() for r in missing if isinstance(r["lo"], str)]
    ranges = [(float(r["lo"]), float(r["hi"])) for r in missing if not isinstance(r["lo"], str)]
    is_text = meta.readstat_variable_types[name] == "string"
    unread: VariableKind = "labelled" if labels else "text" if is_text else "numeric"
    return Variable(
        name=name,
        label=without_name(name, meta.column_names_to_labels.get(name) or ""),
        labels=labels,
        kind=kind_of(column, labels) if column is not None else unread,
        declared_missing=ranges,
        declared_missing_texts=texts,
        measure=meta.variable_measure.get(name, "unknown"),
    )


def _label_code(code: object, name: str, meta: Any) -> Code:  # noqa: ANN401 - likewise
    letter = letter_code(code) if meta.readstat_variable_types[name] != "string" else None
    return letter if letter is not None else plain_code(code)


def _repeated_labels(variable: Variable) -> list[str]:
    texts = list(variable.labels.values())
    repeated = sorted({text for text in texts if texts.count(text) > 1})
    return [f"{variable.name}: several codes have the label '{text}'; they stay apart." for text in repeated]
