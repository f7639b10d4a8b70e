"""Select-all questions: variables of boxes that were ticked or not, one by one or as a set of codes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.codebook import CodedVariable
from schemas.errors import Problem
from schemas.question import Question
from survey.codes.coding import values_seen
from survey.codes.missing import MissingRules
from survey.data import Variable
from survey.personas.derive import box_texts
from survey.prepared import Answers

YES, NO = 1, 0
"""Codes of an item that is asked by itself."""

_YES_NO = {YES: "Yes", NO: "No"}


@dataclass(frozen=True)
class Ticked:
    """A select-all question, or one item of it."""

    variable: CodedVariable
    answers: Answers
    problems: list[Problem]


def code_ticked(
    question: Question,
    variable: Variable,
    variables: Mapping[str, Variable],
    frame: pd.DataFrame,
    rules: MissingRules,
) -> Ticked:
    """One item as a yes-no question: 1 where it is ticked, 0 where the person was asked and did not tick it."""
    boxes = _Boxes(question, frame, variables, rules)
    status = boxes.status(variable.name)
    chosen = np.where(boxes.is_ticked(variable.name), YES, NO).astype("int32")
    labels = question.answers if question.answers is not None else _YES_NO
    problems = list(_label_problems(f"questions.{question.battery or variable.name}", labels))
    siblings = list(question.items) if question.items else [variable.name]
    words = question.text
    if words is None:
        texts = box_texts([variables[one] for one in siblings])
        words = texts[siblings.index(variable.name)] if variable.name in siblings else variable.label
    coded = CodedVariable(
        name=variable.name,
        text=words,
        stem=question.stem or "",
        battery=question.battery or "",
        codes=[YES, NO],
        labels={code: labels.get(code, _YES_NO[code]) for code in (YES, NO)},
        scale_order=[YES, NO],
        shown=[YES, NO],
    )
    if not words:
        problems.append(_no_words(variable.name, question.battery or variable.name))
    return Ticked(coded, Answers(pd.arrays.IntegerArray(chosen, status != "answered"), status), problems)


def code_several(
    name: str, question: Question, variables: Mapping[str, Variable], frame: pd.DataFrame, rules: MissingRules
) -> Ticked:
    """All items as one question with several codes: 1..K in the order of `items`; nothing ticked is an answer."""
    items = question.items if question.items is not None else {}
    boxes = _Boxes(question, frame, variables, rules)
    states = np.column_stack([boxes.status(item) for item in items])
    ticked = np.column_stack([boxes.is_ticked(item) for item in items]) & (states == "answered")
    status = _joint(states, ticked)
    defaults = box_texts([variables[item] for item in items])
    labels = {
        code: words if words is not None else default
        for code, (words, default) in enumerate(zip(items.values(), defaults, strict=True), start=1)
    }
    sets = tuple(
        tuple(int(k) + 1 for k in np.flatnonzero(row)) if s == "answered" else None
        for row, s in zip(ticked, status, strict=True)
    )
    nothing = pd.arrays.IntegerArray(np.zeros(len(frame), dtype="int32"), np.ones(len(frame), dtype=bool))
    coded = CodedVariable(
        name=name,
        text=question.text or "",
        stem=question.stem or "",
        kind="several",
        codes=list(labels),
        labels=labels,
        scale_order=list(labels),
        shown=list(labels),
        fixed_last=question.fixed_last,
    )
    problems = list(_several_problems(name, question, labels))
    return Ticked(coded, Answers(nothing, status, several=sets), problems)


@dataclass(frozen=True)
class _Boxes:
    """Boxes of one question, with what a blank means."""

    question: Question
    frame: pd.DataFrame
    variables: Mapping[str, Variable]
    rules: MissingRules

    def is_ticked(self, name: str) -> npt.NDArray[np.bool_]:
        return np.asarray(self.frame[name].eq(self.question.selected).fillna(value=False), dtype=bool)

    def status(self, name: str) -> npt.NDArray[np.str_]:
        column, variable = self.frame[name], self.variables[name]
        missing = self.rules.missing_codes(variable, [*variable.labels, *values_seen(column)])
        status = np.full(len(column), "answered", dtype="<U12")
        blank = column.isna().to_numpy(dtype=bool)
        status[blank] = "not_asked"
        if self.question.blank == "not_selected":
            status[blank & self._asked()] = "answered"
        for code, kind in missing.items():
            status[np.asarray(column.eq(code).fillna(value=False), dtype=bool)] = kind
        if self.question.refused is not None:
            status[self.is_ticked(self.question.refused)] = "refused"
        return status

    def _asked(self) -> npt.NDArray[np.bool_]:
        """Somebody with a value in any box of the question."""
        names = [*(self.question.items or {}), *([self.question.refused] if self.question.refused else [])]
        return np.asarray(self.frame[names].notna().any(axis=1), dtype=bool)


def _joint(states: npt.NDArray[Any], ticked: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """One state a person: answered if a box is ticked or all of them are answered, else the first other state."""
    status = np.full(len(states), "answered", dtype="<U12")
    for i, row in enumerate(states):
        if not ticked[i].any() and (row != "answered").any():
            status[i] = next(s for s in row if s != "answered")
    return status


def _label_problems(key: str, labels: Mapping[int, str]) -> Iterator[Problem]:
    if set(labels) != {YES, NO}:
        what = "`answers` of a select_all are the words for 1 (ticked) and 0."
        yield Problem(what, f"{key}.answers", "Write `answers: {1: Yes, 0: No}`.", code="ticked_answers")


def _several_problems(name: str, question: Question, labels: Mapping[int, str]) -> Iterator[Problem]:
    if not question.text:
        what = "A select_all question needs its `text`."
        yield Problem(what, f"questions.{name}.text", "Write the wording as it was asked.", code="question_text")
    if question.answers is not None:
        what = "`answers` has no meaning with `one_task`: the items are the answers."
        yield Problem(what, f"questions.{name}.answers", "Take it out.", code="several_answers")
    for item, label in zip(question.items or {}, labels.values(), strict=True):
        if not label:
            yield _no_words(item, name)
    repeated = sorted({label for label in labels.values() if list(labels.values()).count(label) > 1})
    if repeated and repeated[0]:
        what = f"Several items are called '{repeated[0]}'."
        yield Problem(what, f"questions.{name}.items", "Give every item its own words.", code="answers_repeated")
    for code in question.fixed_last:
        if code not in labels:
            what = f"`fixed_last` names {code}; the items are numbered 1 to {len(labels)}."
            yield Problem(what, f"questions.{name}.fixed_last", code="fixed_last_not_a_code")


def _no_words(item: str, battery: str) -> Problem:
    hint = f"Write `{item}: words` under `items`."
    return Problem(f"The file has no words for {item}.", f"questions.{battery}.items", hint, code="question_text")
