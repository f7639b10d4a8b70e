"""Who was asked, and in which words: `asked_if` rules and split ballots."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from schemas.codebook import CodedVariable
from schemas.errors import Problem, StudyError
from schemas.question import Forms
from schemas.study import Study
from survey.codes.coding import INT32_MAX
from survey.codes.missing import MissingRules
from survey.conditions.respondent_filter import known_values, nominal_variables
from survey.conditions.rule_check import rule_problems
from survey.conditions.rules import parse_rule
from survey.data import SurveyData
from survey.items.question_kinds import Coded
from survey.nearest import did_you_mean
from survey.prepared import Answers


def routed(
    study: Study, name: str, data: SurveyData, frame: pd.DataFrame, rules: MissingRules, coded: Coded
) -> tuple[CodedVariable, Answers, list[Problem]]:
    """A coded question with `asked_if` and `forms` applied.

    Whom the rule leaves out is `not_asked`, whatever the file says; a note counts answers that this sets aside.

    Args:
        study: with the question `name`.
        name: of the question.
        data: the survey file.
        frame: its rows that take part.
        rules: missing rules of the study.
        coded: the question before.
    """
    question = study.questions[name]
    variable, answers = coded.variable, coded.answers
    assert variable is not None, "coded"
    assert answers is not None, "likewise"
    problems: list[Problem] = []
    kept = replace(data, frame=frame)
    if question.asked_if is not None:
        where = f"questions.{question.battery or name}.asked_if"
        answers, found = _asked(answers, question.asked_if, study, kept, rules, where)
        problems += found
    if question.forms is not None:
        where = f"questions.{name}.forms"
        codes, found = _forms(question.forms, kept, rules, where)
        problems += found
        answers = replace(answers, forms=codes)
        variable = variable.model_copy(update={"forms": question.forms.texts})
        answers, found = _formless(answers, question.forms, where)
        problems += found
    return variable, answers, problems


def _asked(
    answers: Answers, text: str, study: Study, data: SurveyData, rules: MissingRules, where: str
) -> tuple[Answers, list[Problem]]:
    try:
        rule = parse_rule(text, where=where)
    except StudyError as e:
        return answers, list(e.problems)
    problems = rule_problems(rule, data.variables, nominal_variables(data.variables, study.questions), where=where)
    if problems:
        return answers, problems
    asked = rule.holds(known_values(data, rule.variables, rules))
    set_aside = int((~asked & (answers.status == "answered")).sum())
    if not asked.any():
        what = f"The rule `{text}` holds for none of {len(asked)} respondents."
        problems.append(Problem(what, where, "A comparison with a missing value is false.", code="nobody_asked"))
    if set_aside:
        what = f"{set_aside} respondents have an answer though `{text}` does not hold for them; it is set aside."
        problems.append(Problem(what, where, level="warning", code="answered_though_not_asked"))
    return _not_asked(answers, ~asked), problems


def _not_asked(answers: Answers, whom: np.ndarray[Any, Any]) -> Answers:
    status = np.where(whom, "not_asked", answers.status).astype("<U12")
    codes = answers.codes.copy()
    codes[whom] = pd.NA
    numbers = None if answers.numbers is None else np.where(whom, np.nan, answers.numbers)
    several, texts = answers.several, answers.texts
    if several is not None:
        several = tuple(None if out else one for out, one in zip(whom, several, strict=True))
    if texts is not None:
        texts = tuple(None if out else one for out, one in zip(whom, texts, strict=True))
    return replace(answers, codes=codes, status=status, several=several, numbers=numbers, texts=texts)


def _forms(
    forms: Forms, data: SurveyData, rules: MissingRules, where: str
) -> tuple[tuple[int | None, ...], list[Problem]]:
    n = len(data.frame)
    if forms.by not in data.variables:
        what = f"{forms.by} is no variable of the survey file."
        problem = Problem(what, f"{where}.by", did_you_mean(forms.by, data.variables), code="unknown_variable")
        return (None,) * n, [problem]
    column = known_values(data, {forms.by}, rules)[forms.by]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return (None,) * n, [Problem(f"{forms.by} holds no codes.", f"{where}.by", code="form_not_a_code")]
    codes = tuple(
        None if value is None or not float(value).is_integer() or abs(value) > INT32_MAX else int(value)
        for value in column.to_numpy(dtype=object, na_value=None)
    )
    seen = {code for code in codes if code is not None}
    unused = [code for code in forms.texts if code not in seen]
    if unused:
        what = f"Nobody has the form {', '.join(map(str, unused))} of {forms.by}."
        return codes, [Problem(what, f"{where}.texts", level="warning", code="form_unused")]
    return codes, []


def _formless(answers: Answers, forms: Forms, where: str) -> tuple[Answers, list[Problem]]:
    """Nobody is asked in words that do not exist: respondents without a form of the study are not asked."""
    assert answers.forms is not None, "just set"
    without = np.array([code not in forms.texts for code in answers.forms], dtype=bool)
    lost = int((without & (answers.status == "answered")).sum())
    if not lost:
        return _not_asked(answers, without), []
    what = f"{lost} respondents with an answer have no form named under `texts`; they get no task."
    return _not_asked(answers, without), [Problem(what, where, level="warning", code="form_unknown")]
