"""Questions of every kind out of the file: options, ticked boxes, numbers and own words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from schemas.codebook import CodedVariable
from schemas.errors import Problem
from schemas.question import Question
from survey.codes.coding import values_seen
from survey.codes.missing import MissingRules
from survey.data import Code, Variable
from survey.items.number_questions import bin_labels, binned, is_whole
from survey.items.open_answers import coded_text, coding_problems
from survey.items.questions import code_question, wording
from survey.items.ticked_boxes import code_several, code_ticked
from survey.nearest import did_you_mean
from survey.personas.fields import missing_by_kind, missing_labels
from survey.prepared import Answers


@dataclass(frozen=True)
class Coded:
    """One question: codebook entry, answers, and what is wrong or worth knowing; None where it cannot be coded."""

    variable: CodedVariable | None = None
    answers: Answers | None = None
    problems: list[Problem] = field(default_factory=list)


def code_any_question(
    name: str, question: Question, variables: Mapping[str, Variable], frame: pd.DataFrame, rules: MissingRules
) -> Coded:
    """A question of any kind with the answers of the respondents of this run.

    Args:
        name: of the question: a variable of the file, but for select_all.
        question: as in the study, no battery.
        variables: of the file.
        frame: raw values of the respondents.
        rules: missing rules of the study.
    """
    unknown = list(_unknown(name, question, variables))
    if unknown:
        return Coded(problems=unknown)
    if question.kind == "select_all":
        several = code_several(name, question, variables, frame, rules)
        return Coded(several.variable, several.answers, several.problems)
    variable, column = variables[name], frame[name]
    if question.kind == "ticked":
        ticked = code_ticked(question, variable, variables, frame, rules)
        return Coded(ticked.variable, ticked.answers, ticked.problems)
    if question.kind == "numeric":
        return _numeric(question, variable, column, rules)
    if question.kind == "open":
        return _open(question, variable, column, rules)
    coded = code_question(question, variable, column, rules)
    return Coded(coded.variable, coded.answers, coded.problems)


def _unknown(name: str, question: Question, variables: Mapping[str, Variable]) -> Iterator[Problem]:
    where = f"questions.{question.battery}.items" if question.battery else f"questions.{name}"
    wanted = {name: where}
    if question.kind == "select_all":
        wanted = {item: f"questions.{name}.items.{item}" for item in question.items or {}}
    if question.refused is not None:
        wanted[question.refused] = f"questions.{question.battery or name}.refused"
    for one, place in wanted.items():
        if one not in variables:
            what = f"{one} is no variable of the survey file."
            yield Problem(what, place, did_you_mean(one, variables), code="unknown_variable")


def _numeric(question: Question, variable: Variable, column: "pd.Series[Any]", rules: MissingRules) -> Coded:
    """Numbers within bounds; with `bins`, an ordinal question whose options are the bins."""
    key = f"questions.{variable.name}"
    missing = rules.missing_codes(variable, [*variable.labels, *values_seen(column)])
    numbers, status = _numbers(column, missing)
    assert question.minimum is not None, "checked with the study's shape"
    assert question.maximum is not None, "likewise"
    present = numbers[status == "answered"]
    problems = [*rules.unlabelled(variable, values_seen(column))]
    problems += _number_problems(key, question, column, missing, present)
    base = CodedVariable(
        name=variable.name,
        text=wording(question, variable),
        stem=question.stem or "",
        kind="numeric",
        minimum=question.minimum,
        maximum=question.maximum,
        unit=question.unit,
        whole=is_whole(present, question.minimum, question.maximum),
        missing=missing_by_kind(missing),
        missing_labels=missing_labels(variable, missing),
    )
    nothing = pd.arrays.IntegerArray(np.zeros(len(column), dtype="int32"), np.ones(len(column), dtype=bool))
    if question.bins is None:
        if question.cut is not None:
            problems.append(Problem("`cut` needs `bins` here.", f"{key}.cut", code="cut_without_bins"))
        return Coded(base, Answers(nothing, status, numbers=numbers), problems)
    labels = bin_labels(question.minimum, question.maximum, question.bins, whole=base.whole, unit=question.unit)
    codes = list(labels)
    if question.cut is not None and question.cut not in codes[:-1]:
        what = f"`cut` must be one of the bins 1 to {codes[-2]}."
        problems.append(Problem(what, f"{key}.cut", code="cut_not_a_code"))
    shape = {"kind": "single", "scale": "ordinal", "codes": codes, "labels": labels, "cut": question.cut}
    coded = base.model_copy(update={**shape, "scale_order": codes, "shown": codes})
    return Coded(coded, Answers(binned(numbers, question.bins), status), problems)


def _numbers(column: "pd.Series[Any]", missing: Mapping[Code, Any]) -> tuple[np.ndarray[Any, Any], Any]:
    raw = column.to_numpy(dtype=object, na_value=None)
    numbers, status = np.full(len(raw), np.nan), np.full(len(raw), "not_asked", dtype="<U12")
    for i, value in enumerate(raw):
        if value is None:
            continue
        plain = _plain(value)
        if plain in missing:
            status[i] = missing[plain]
        elif isinstance(plain, str):
            status[i] = "file_missing"
        else:
            numbers[i], status[i] = plain, "answered"
    return numbers, status


def _plain(value: object) -> Code:
    if isinstance(value, str):
        return value.rstrip()
    number = float(value)  # type: ignore[arg-type]
    return int(number) if number.is_integer() else number


def _number_problems(
    key: str, question: Question, column: "pd.Series[Any]", missing: Mapping[Code, Any], present: np.ndarray[Any, Any]
) -> Iterator[Problem]:
    texts = [value for value in values_seen(column) if isinstance(value, str) and value not in missing]
    if texts:
        what = f"{len(texts)} different values are no numbers."
        yield Problem(what, key, "Declare them under `missing`, or use `kind: open`.", code="not_a_number")
    outside = present[(present < question.minimum) | (present > question.maximum)]
    if outside.size:
        what = f"{outside.size} respondents answered outside {question.minimum:g} to {question.maximum:g}, "
        what += f"from {outside.min():g} to {outside.max():g}."
        hint = f"Widen `minimum` and `maximum`, or declare such codes under missing.{key.removeprefix('questions.')}; "
        hint += "missing.default holds for labelled codes only."
        yield Problem(what, key, hint, code="number_out_of_bounds")


def _open(question: Question, variable: Variable, column: "pd.Series[Any]", rules: MissingRules) -> Coded:
    """Own words; with a codebook also their code."""
    key = f"questions.{variable.name}"
    missing = rules.missing_codes(variable, [*variable.labels, *values_seen(column)])
    raw = column.to_numpy(dtype=object, na_value=None)
    status = np.array(["not_asked" if v is None else missing.get(_plain(v), "answered") for v in raw], dtype="<U12")
    texts = tuple(str(v).strip() if s == "answered" else None for v, s in zip(raw, status, strict=True))
    book = question.codebook or {}
    coding = {code: one.words for code, one in book.items()}
    codes = [None if text is None else coded_text(text, coding) for text in texts]
    coded = CodedVariable(
        name=variable.name,
        text=wording(question, variable),
        stem=question.stem or "",
        kind="open",
        codes=list(book),
        labels={code: one.label for code, one in book.items()},
        scale_order=list(book),
        shown=[],
        coding=coding,
        missing=missing_by_kind(missing),
        missing_labels=missing_labels(variable, missing),
    )
    problems = [*rules.unlabelled(variable, values_seen(column)), *coding_problems(key, book)]
    if variable.labels or pd.api.types.is_numeric_dtype(column.dtype):
        what = f"{variable.name} holds codes or numbers, not people's own words."
        problems.append(Problem(what, key, "Leave `kind` out, or use `kind: numeric`.", code="not_a_text"))
    numbers = pd.array(codes, dtype="Int32")
    return Coded(coded, Answers(numbers, status, texts=texts), problems)
