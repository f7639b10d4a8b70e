"""Derived fields made of values: groups of codes, bands of numbers, joined label texts, numbers as they are told.

A missing value stays missing unless `recode` names its code. Where a text is joined of several labels, a missing one
is left out, and only where all are missing the field is.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from schemas.codebook import CodedVariable
from schemas.derive import Derive
from schemas.errors import Problem
from survey.codes.code_sets import CodeSet, CodeSetError, code_set
from survey.codes.coding import encode, values_seen, without_missing
from survey.codes.missing import MissingRules
from survey.data import Code, Variable
from survey.formats.columns import plain_code
from survey.nearest import did_you_mean
from survey.personas.derive import DerivedField, coded_by_frequency


def derive_values(
    name: str, spec: Derive, frame: pd.DataFrame, variables: Mapping[str, Variable], rules: MissingRules
) -> DerivedField | list[Problem]:
    """A field of one of these kinds, or everything that is wrong with its definition.

    Args:
        name: of the new field.
        spec: as in the study, with `recode`, `bands`, `labels` or `number`.
        frame: raw codes of the respondents of this run.
        variables: of the file.
        rules: missing rules of the study.
    """
    where = f"persona.derive.{name}"
    problems = [
        Problem(
            f"{one} is no variable of the survey file.", where, did_you_mean(one, variables), code="unknown_variable"
        )
        for one in spec.sources
        if one not in variables
    ]
    if name in variables:
        what = f"{name} is also a variable of the survey file."
        problems.append(Problem(what, where, "Give the derived field another name.", code="derive_name_taken"))
    if problems:
        return problems
    known = _Known(frame, variables, rules)
    if spec.recode is not None:
        return _recoded(name, spec, known, spec.recode)
    if spec.bands is not None:
        return _banded(name, spec, known, spec.bands)
    if spec.number is not None:
        return _told(name, spec, known, spec.number)
    return _joined(name, spec, known)


class _Known:
    """Columns with null wherever the value is missing of any kind."""

    def __init__(self, frame: pd.DataFrame, variables: Mapping[str, Variable], rules: MissingRules) -> None:
        self.frame = frame
        self.variables = variables
        self._rules = rules

    def column(self, name: str) -> "pd.Series[Any]":
        variable, column = self.variables[name], self.frame[name]
        codes = [*variable.labels, *values_seen(column)]
        return without_missing(column, self._rules.missing_codes(variable, codes))


def _recoded(name: str, spec: Derive, known: _Known, source: str) -> DerivedField | list[Problem]:
    where, variable = f"persona.derive.{name}", known.variables[source]
    try:
        groups = [(_group(key), text) for key, text in spec.codes.items()]
    except CodeSetError as e:
        return [Problem(f"{source}: {e}.", where, code="recode_range")]
    texts = list(dict.fromkeys(spec.codes.values()))
    answered = values_seen(known.column(source))
    codes: dict[Code, int] = {}
    for value in values_seen(known.frame[source]):
        found = next((text for group, text in groups if value in group), None)
        if found is not None:
            codes[value] = texts.index(found) + 1
    lost = [value for value in answered if value not in codes]
    if lost:
        shown = ", ".join(
            f"{value} '{variable.labels[value]}'" if value in variable.labels else str(value) for value in lost[:12]
        )
        what = f"the recoding of {source} says nothing of {shown}."
        return [Problem(what, where, "Name every code; ranges are written `1..3`.", code="recode_incomplete")]
    coded = _labelled(name, variable, texts, scale="nominal")
    return DerivedField(coded, encode(known.frame[source], codes, {}))


def _group(key: str | int) -> CodeSet:
    return code_set([key])


def _labelled(name: str, variable: Variable, texts: Sequence[str], *, scale: Any) -> CodedVariable:  # noqa: ANN401 - a Literal of CodedVariable
    labels = dict(enumerate(texts, start=1))
    codes = list(labels)
    return CodedVariable(
        name=name, text=variable.label, scale=scale, codes=codes, labels=labels, shown=codes, scale_order=codes
    )


def _numbers(where: str, known: _Known, source: str) -> "pd.Series[Any] | list[Problem]":
    column = known.column(source)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    return [Problem(f"{source} holds text, and numbers are needed.", where, code="derive_type")]


def _banded(name: str, spec: Derive, known: _Known, source: str) -> DerivedField | list[Problem]:
    column = _numbers(f"persona.derive.{name}", known, source)
    if isinstance(column, list):
        return column
    values = column.to_numpy("float64", na_value=np.nan)
    numbers = np.searchsorted(np.array(spec.at), values, side="right") + 1.0
    numbers[np.isnan(values)] = np.nan
    whole = str(column.dtype) == "Int64" and all(float(at).is_integer() for at in spec.at)
    texts = spec.names if spec.names is not None else band_names(spec.at, whole=whole)
    coded = _labelled(name, known.variables[source], texts, scale="ordinal")
    codes = pd.Series(pd.array(numbers, dtype="Int64"))
    return DerivedField(coded, encode(codes, {code: code for code in coded.codes}, {}))


def band_names(at: Sequence[float], *, whole: bool) -> list[str]:
    """`under 30`, `30 to 49`, `50 or more`; of fractions `30 to under 50`.

    Args:
        at: first number of each band but the lowest, rising.
        whole: the numbers are whole.
    """
    shown = [f"{cut:g}" for cut in at]
    middle = [
        (
            f"{low:g}"
            if whole and high == low + 1
            else f"{low:g} to {high - 1:g}"
            if whole
            else f"{low:g} to under {high:g}"
        )
        for low, high in pairwise(at)
    ]
    return [f"under {shown[0]}", *middle, f"{shown[-1]} or more"]


def _told(name: str, spec: Derive, known: _Known, source: str) -> DerivedField | list[Problem]:
    column = _numbers(f"persona.derive.{name}", known, source)
    if isinstance(column, list):
        return column
    labels = known.variables[source].labels
    said: dict[Code, str] = {}
    for value in values_seen(column):
        said[value] = labels[value] if value in labels else spec.write.replace("{}", written(float(value), spec))
    values = column.to_numpy(dtype=object, na_value=None)
    texts = [None if value is None else said[plain_code(value)] for value in values]
    return coded_by_frequency(name, known.variables[source].label, texts)


def written(value: float, spec: Derive) -> str:
    """A number as a study wants it told: rounded, with its decimals and its sign between thousands."""
    rounded = round(value / spec.round_to) * spec.round_to if spec.round_to > 0 else value
    text = f"{rounded:,.{spec.decimals}f}"
    return text.replace(",", spec.thousands)


def _joined(name: str, spec: Derive, known: _Known) -> DerivedField | list[Problem]:
    names = spec.labels if spec.labels is not None else []
    parts = []
    for source in names:
        labels = known.variables[source].labels
        values = known.column(source).to_numpy(dtype=object, na_value=None)
        parts.append([None if v is None else labels.get(plain_code(v), str(plain_code(v))) for v in values])
    rows = [[part for part in row if part is not None] for row in zip(*parts, strict=True)]
    texts = [spec.join.join(row) if row else None for row in rows]
    return coded_by_frequency(name, ", ".join(filter(None, (known.variables[one].label for one in names))), texts)
