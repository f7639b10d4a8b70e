"""Questions: the codebook entry, everyone's answer, and whether the study fits the file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from schemas.codebook import CodedVariable
from schemas.errors import Problem
from schemas.question import Question
from schemas.study import MissingKind
from survey.codes.coding import encode, values_seen
from survey.codes.label_conflicts import label_conflicts
from survey.codes.missing import MissingRules
from survey.data import Code, Variable
from survey.personas.fields import is_int32, missing_by_kind, missing_labels, numbered
from survey.prepared import Answers

_MOST_VALUES_SHOWN = 30
_LONGEST_VALUE = 60
_LONGEST_RARE, _FEWEST_FOR_RARE = 12, 3


@dataclass(frozen=True)
class CodedQuestion:
    """One question: codebook entry, answers, and what is wrong or worth knowing."""

    variable: CodedVariable
    answers: Answers
    problems: list[Problem]


def code_question(
    question: Question, variable: Variable, column: "pd.Series[Any]", rules: MissingRules
) -> CodedQuestion:
    """A question with the answers of the respondents of this run.

    Codes are the labelled answer codes in file order, or the keys of `answers` in the order written. Texts become
    codes by the label they hold; text codes without `answers` become 1..K.

    Args:
        question: as in the study.
        variable: as the file describes it.
        column: raw values.
        rules: missing rules of the study.
    """
    key = f"questions.{variable.name}"
    seen = values_seen(column)
    missing = rules.missing_codes(variable, [*variable.labels, *seen], answers=question.answers)
    said = replace(variable, labels={**_own_labels(question), **variable.labels})
    codes, labels = _codebook(question, variable, seen, missing)
    own_codes = list(labels)
    coded = CodedVariable(
        name=variable.name,
        text=wording(question, variable),
        stem=question.stem if question.stem is not None else "",
        battery=question.battery if question.battery is not None else "",
        fixed_last=question.fixed_last,
        scale=question.scale,
        codes=own_codes,
        labels=labels,
        scale_order=question.order if question.order is not None else own_codes,
        shown=question.show if question.show is not None else own_codes,
        cut=question.cut,
        missing=missing_by_kind(missing),
        missing_labels=missing_labels(variable, missing),
    )
    problems = [
        *rules.doubtful(said),
        *_answer_problems(key, question, variable, coded, missing),
        *_value_problems(key, question, variable, seen, {*codes, *missing}, n_codes=len(own_codes)),
        *_scale_problems(key, question, [c for c in own_codes if c not in rules.undeclared(said)]),
    ]
    return CodedQuestion(coded, encode(column, codes, missing), problems)


def wording(question: Question, variable: Variable) -> str:
    """The question's own words: the study's, else the file's."""
    return question.text if question.text is not None else variable.label


def _own_labels(question: Question) -> dict[Code, str]:
    return {code: label for code, label in question.answers.items()} if question.answers is not None else {}


def _codebook(
    question: Question,
    variable: Variable,
    seen: Mapping[Code, int],
    missing: Mapping[Code, MissingKind],
) -> tuple[dict[Code, int], dict[int, str]]:
    """Raw value -> code, and code -> label in codebook order."""
    of_file = {code: label for code, label in variable.labels.items() if code not in missing}
    if question.answers is None:
        codes = numbered(list(of_file))
        return codes, {number: of_file[code] for code, number in codes.items()}
    given = {code: label for code, label in question.answers.items() if code not in missing}
    if all(isinstance(value, int | float) for value in [*seen, *of_file]):
        return {code: code for code in given}, given
    by_label = {_plain(label): code for code, label in given.items()}
    codes = {}
    for value in [*of_file, *seen]:
        code = by_label.get(_plain(of_file.get(value, str(value))))
        if code is not None and value not in missing:
            codes[value] = code
    return codes, given


def _plain(label: str) -> str:
    return " ".join(label.split()).casefold()


def _answer_problems(
    key: str,
    question: Question,
    variable: Variable,
    coded: CodedVariable,
    missing: Mapping[Code, MissingKind],
) -> Iterator[Problem]:
    if not coded.text:
        hint = "Write the wording as it was asked: `text: ...`."
        yield Problem("The file has no text for this question.", f"{key}.text", hint, code="question_text")
    answers = question.answers if question.answers is not None else {}
    of_file = {int(code): label for code, label in variable.labels.items() if is_int32(code)}
    yield from label_conflicts(variable.name, answers, of_file, where=f"{key}.answers")
    for code in answers:
        if code in missing:
            what = f"{code} is an answer here and declared missing ({missing[code]})."
            yield Problem(what, f"{key}.answers", "Keep one of the two.", code="answer_is_missing_code")
    repeated = sorted({label for label in answers.values() if list(answers.values()).count(label) > 1})
    if repeated:
        what = f"Several answers are called '{repeated[0]}'."
        yield Problem(what, f"{key}.answers", "Give every answer its own words.", code="answers_repeated")
    left_out = [c for c in of_file if answers and c not in answers and c not in missing]
    if left_out:
        what = f"`answers` leaves out {', '.join(map(str, left_out))} of the file's answers."
        yield Problem(what, f"{key}.answers", level="note", code="answers_left_out")


def _value_problems(
    key: str,
    question: Question,
    variable: Variable,
    seen: Mapping[Code, int],
    known: set[Code],
    *,
    n_codes: int,
) -> Iterator[Problem]:
    lost = [value for value in seen if value not in known]
    if not lost and n_codes < 2:
        hint = "Add `answers: {code: label, ...}`."
        yield Problem("A question needs at least two answers.", key, hint, code="too_few_answers")
    if not lost:
        return
    n_rows = sum(seen[value] for value in lost)
    if variable.labels or question.answers is not None:
        what = f"{variable.name} has values without a label: {_shown(lost, seen)} ({n_rows} respondents)."
        hint = f"List them under {key}.answers, or under missing.{variable.name} if they are no answers."
        yield Problem(what, key, hint, code="unlabelled_code")
        return
    what = f"The file has no labels for {variable.name}. Values seen: {_shown(lost, seen)}."
    hint = "Add `answers: {code: label, ...}`, and codes that are no answers under `missing`."
    yield Problem(what, f"{key}.answers", hint, code="answers_needed")


def _shown(values: Sequence[Code], seen: Mapping[Code, int]) -> str:
    """The values, unless they are so many or so long that they can only be free text or plain numbers.

    What one or two respondents wrote in words of their own is theirs: it is counted, not shown.
    """
    texts = [str(value) for value in values]
    if len(texts) > _MOST_VALUES_SHOWN or any(len(text) > _LONGEST_VALUE for text in texts):
        return f"{len(texts)} different ones, more than a list of answers has"
    rare = [v for v in values if isinstance(v, str) and len(v) > _LONGEST_RARE and seen[v] < _FEWEST_FOR_RARE]
    shown = ", ".join(str(value) for value in values if value not in rare)
    return f"{shown}{' and ' if shown else ''}{len(rare)} that hardly anybody gave" if rare else shown


def _scale_problems(key: str, question: Question, codes: list[int]) -> Iterator[Problem]:
    for name, order in (("order", question.order), ("show", question.show)):
        if order is not None and sorted(order) != sorted(codes):
            what = f"`{name}` must list every answer code once: {', '.join(map(str, codes))}."
            yield Problem(what, f"{key}.{name}", _difference(order, codes), code=f"{name}_not_a_permutation")
    for name, value in (("order", question.order), ("cut", question.cut)):
        if value is not None and question.scale != "ordinal":
            what = f"`{name}` has a meaning on an ordinal scale only."
            yield Problem(what, f"{key}.{name}", "Add `scale: ordinal`.", code=f"{name}_on_nominal")
    for code in question.fixed_last:
        if code not in codes:
            what = f"`fixed_last` names {code}, which is no answer code: {', '.join(map(str, codes))}."
            yield Problem(what, f"{key}.fixed_last", code="fixed_last_not_a_code")
    order = question.order if question.order is not None else codes
    if question.cut is None:
        return
    if question.cut not in codes:
        what = f"`cut` must be one of the answer codes: {', '.join(map(str, codes))}."
        yield Problem(what, f"{key}.cut", code="cut_not_a_code")
    elif question.cut == order[-1]:
        what = f"`cut: {question.cut}` is the last code, which leaves nothing above the cut."
        yield Problem(what, f"{key}.cut", "Name the last code of the lower side.", code="cut_at_the_end")


def _difference(order: Sequence[int], codes: Sequence[int]) -> str:
    absent = [code for code in codes if code not in order]
    extra = [code for code in order if code not in codes]
    parts = [
        f"{', '.join(map(str, absent))} is absent." if absent else "",
        f"{', '.join(map(str, extra))} is no answer code." if extra else "",
        "" if absent or extra else "A code stands there twice.",
    ]
    return " ".join(part for part in parts if part)
