"""The study's `filter`: which rows of the file take part."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from schemas.errors import Problem, StudyError
from schemas.question import Question
from schemas.study import Study
from survey.codes.coding import values_seen, without_missing
from survey.codes.missing import MissingRules
from survey.conditions.rule_check import rule_problems
from survey.conditions.rule_truth import BoolArray
from survey.conditions.rules import parse_rule
from survey.data import SurveyData, Variable
from survey.formats.tagged_missing import is_tagged

_WHERE = "survey.filter"


def kept_rows(study: Study, data: SurveyData, rules: MissingRules) -> tuple[BoolArray, list[Problem]]:
    """Where the filter holds, shape (rows of the file,), and what is wrong with it; every row without a filter."""
    everyone = np.ones(len(data.frame), dtype=bool)
    if study.survey.filter is None:
        return everyone, []
    try:
        rule = parse_rule(study.survey.filter, where=_WHERE)
    except StudyError as e:
        return everyone, list(e.problems)
    nominal = nominal_variables(data.variables, study.questions)
    problems = rule_problems(rule, data.variables, nominal, where=_WHERE)
    if problems:
        return everyone, problems
    kept = rule.holds(known_values(data, rule.variables, rules))
    if not kept.any():
        what = f"The filter `{rule.text}` keeps none of {len(kept)} respondents."
        return everyone, [Problem(what, _WHERE, "A comparison with a missing value is false.", code="filter_empty")]
    return kept, []


def known_values(data: SurveyData, names: set[str], rules: MissingRules) -> pd.DataFrame:
    """Raw codes of these variables with null wherever the value is missing of any kind; rows of the file."""
    columns = {}
    for name in sorted(names):
        variable, column = data.variables[name], data.frame[name]
        missing = rules.missing_codes(variable, [*variable.labels, *values_seen(column)])
        columns[name] = without_missing(column, missing)
    return pd.DataFrame(columns, index=data.frame.index)


def nominal_variables(variables: Mapping[str, Variable], questions: Mapping[str, Question]) -> set[str]:
    """Variables on whose codes `<` means nothing.

    A question of the study is what its `scale` says, and nominal here too if its `order` is not ascending: the
    codes then run another way than the scale. Other variables are nominal if they hold text or if the file says
    so of labelled codes.
    """
    found = {v.name for v in variables.values() if _is_nominal(v)}
    for name, question in questions.items():
        has_order = question.scale == "ordinal" and (question.order is None or question.order == sorted(question.order))
        found = found - {name} if has_order else found | {name}
    return found


def _is_nominal(variable: Variable) -> bool:
    has_text_codes = variable.kind == "text" or any(
        isinstance(code, str) and not is_tagged(code) for code in variable.labels
    )
    return has_text_codes or (variable.measure == "nominal" and variable.kind == "labelled")
