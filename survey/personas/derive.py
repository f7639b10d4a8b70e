"""Multiple-response fields: the labels of the ticked boxes, joined, after a prefix.

What is not known is left out: a refusal of the boxes leaves the prefix, a missing prefix leaves the boxes, and only
where nothing is known at all the field is missing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.codebook import CodedVariable
from schemas.derive import Derive
from schemas.errors import Problem
from survey.codes.coding import encode, values_seen, without_missing
from survey.codes.missing import MissingRules
from survey.data import Code, Variable
from survey.formats.columns import plain_code
from survey.items.question_text import option_texts, shared_text
from survey.nearest import did_you_mean
from survey.prepared import Answers

TICKED = 1
_SAYS_ONLY_TICKED = frozenset(
    {"selected", "yes", "checked", "ticked", "mentioned", "marked", "chosen", "quoted", "true", "1"}
)


@dataclass(frozen=True)
class DerivedField:
    """A derived field: its codebook entry and everyone's value."""

    variable: CodedVariable
    answers: Answers


def join_texts(
    ticked: npt.NDArray[np.bool_], options: Sequence[str], prefixes: Sequence[str], join: str
) -> list[str | None]:
    """The text of every respondent, None where nothing is known.

    Args:
        ticked: shape (respondents, boxes); a row without a tick adds no options.
        options: text of each box.
        prefixes: text before the options, "" for none; alone it loses the blanks and signs at its end.
        join: text between two options.
    """
    return [_text(row, options, prefix, join) for row, prefix in zip(ticked, prefixes, strict=True)]


def _text(row: npt.NDArray[np.bool_], options: Sequence[str], prefix: str, join: str) -> str | None:
    chosen = [option for option, is_ticked in zip(options, row, strict=True) if is_ticked]
    text = prefix + join.join(chosen) if chosen else prefix.strip(" ,;:-–/")
    return text or None


def derive_field(
    name: str, spec: Derive, frame: pd.DataFrame, variables: Mapping[str, Variable], rules: MissingRules
) -> DerivedField | list[Problem]:
    """A multiple-response field, or everything that is wrong with its definition.

    Codes are 1..K over the distinct texts, most frequent first, equal ones by alphabet; labels are the texts.

    Args:
        name: of the new field.
        spec: as in the study.
        frame: raw codes of the respondents of this run.
        variables: of the file.
        rules: missing rules of the study.
    """
    prefix = _prefix(spec)
    problems = _spec_problems(name, spec, variables)
    if problems:
        return problems
    known = _Known(frame, variables, rules)
    boxes = _boxes(spec)
    ticked = np.column_stack([known.is_ticked(box) for box in boxes])
    if spec.refused is not None:
        ticked &= ~known.is_ticked(spec.refused)[:, None]
    prefixes = known.texts(spec.prefix["from"], prefix) if spec.prefix is not None else [""] * len(frame)
    options = box_texts([variables[box] for box in boxes])
    question = shared_text([variables[box].label for box in boxes])
    return coded_by_frequency(name, question, join_texts(ticked, options, prefixes, spec.join))


def box_texts(boxes: Sequence[Variable]) -> list[str]:
    """What each box of a group stands for: the label of its ticked code, else its own part of the question text."""
    own_labels = [box.labels.get(TICKED, "") for box in boxes]
    if all(label and label.lower() not in _SAYS_ONLY_TICKED for label in own_labels) and (
        len(set(own_labels)) == len(own_labels)
    ):
        return own_labels
    return option_texts([box.label for box in boxes])


@dataclass(frozen=True)
class _Known:
    frame: pd.DataFrame
    variables: Mapping[str, Variable]
    rules: MissingRules

    def column(self, name: str) -> "pd.Series[Any]":
        column, variable = self.frame[name], self.variables[name]
        codes = [*variable.labels, *values_seen(column)]
        return without_missing(column, self.rules.missing_codes(variable, codes))

    def is_ticked(self, name: str) -> npt.NDArray[np.bool_]:
        return np.asarray(self.column(name).eq(TICKED).fillna(value=False), dtype=bool)

    def texts(self, name: str, by_code: Mapping[Code, str]) -> list[str]:
        values = self.column(name).to_numpy(dtype=object, na_value=None)
        return ["" if value is None else by_code.get(plain_code(value), "") for value in values]


def coded_by_frequency(name: str, question: str, texts: Sequence[str | None]) -> DerivedField:
    """A field of texts: codes 1..K, most frequent first, equal ones by alphabet."""
    counts = Counter(text for text in texts if text is not None)
    ordered = sorted(counts, key=lambda text: (-counts[text], text))
    labels = dict(enumerate(ordered, start=1))
    answers = encode(pd.Series(texts, dtype="str"), {text: code for code, text in labels.items()}, {})
    variable = CodedVariable(
        name=name,
        text=question,
        codes=list(labels),
        labels=labels,
        shown=list(labels),
        scale_order=list(labels),
    )
    return DerivedField(variable, answers)


def _prefix(spec: Derive) -> dict[Code, str]:
    """Code -> text. JSON turns whole-number keys into texts, so both are taken."""
    given = spec.prefix if spec.prefix is not None else {}
    found: dict[Code, str] = {}
    for key, text in given.items():
        if key == "from":
            continue
        found[key] = str(text)
        if isinstance(key, str) and key.lstrip("-").isdigit():
            found[int(key)] = str(text)
    return found


def _boxes(spec: Derive) -> list[str]:
    return spec.selected if spec.selected is not None else []


def _spec_problems(name: str, spec: Derive, variables: Mapping[str, Variable]) -> list[Problem]:
    where = f"persona.derive.{name}"
    named = {f"{where}.selected": _boxes(spec)}
    if spec.refused is not None:
        named[f"{where}.refused"] = [spec.refused]
    problems = [
        Problem(
            f"{box} is no variable of the survey file.", place, did_you_mean(box, variables), code="unknown_variable"
        )
        for place, boxes in named.items()
        for box in boxes
        if box not in variables
    ]
    if name in variables:
        what = f"{name} is also a variable of the survey file."
        problems.append(Problem(what, where, "Give the derived field another name.", code="derive_name_taken"))
    if not _boxes(spec):
        problems.append(Problem("No variables are listed.", f"{where}.selected", code="derive_empty"))
    problems += _prefix_problems(f"{where}.prefix", spec, variables)
    return problems or _box_problems(f"{where}.selected", [variables[box] for box in _boxes(spec)])


def _prefix_problems(where: str, spec: Derive, variables: Mapping[str, Variable]) -> list[Problem]:
    if spec.prefix is None:
        return []
    source = spec.prefix.get("from")
    if not isinstance(source, str):
        what = "`from` is missing: it names the variable whose code chooses the text."
        return [Problem(what, where, "Write `prefix: {from: HISP, 1: ...}`.", code="derive_prefix")]
    if source not in variables:
        what = f"{source} is no variable of the survey file."
        return [Problem(what, f"{where}.from", did_you_mean(source, variables), code="unknown_variable")]
    return []


def _box_problems(where: str, boxes: Sequence[Variable]) -> list[Problem]:
    hint = "Take it out, or label it in the survey file."
    problems = [
        Problem(f"{box.name} holds text; a box is 1 where it is ticked.", where, code="derive_type")
        for box in boxes
        if box.kind in {"text", "date"}
    ]
    for box, text in zip(boxes, box_texts(boxes), strict=True):
        if not text:
            problems.append(Problem(f"{box.name} has no label to say.", where, hint, code="derive_no_label"))
    return problems
