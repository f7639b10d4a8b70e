"""Which step of a route each respondent takes: the first whose rule holds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from schemas.codebook import CodedVariable
from schemas.errors import Problem, StudyError
from schemas.study import RouteStep, Study
from survey.codes.missing import MissingRules
from survey.conditions.respondent_filter import known_values, nominal_variables
from survey.conditions.rule_check import rule_problems
from survey.conditions.rules import Rule, parse_rule
from survey.data import SurveyData, Variable


def route_variables(study: Study) -> dict[str, str]:
    """Variable that a route looks at -> dotted key of the rule; rules that cannot be read are left out."""
    found: dict[str, str] = {}
    for arm, steps in _routes(study).items():
        for number, step in enumerate(steps):
            if step.when is None:
                continue
            try:
                rule = parse_rule(step.when)
            except StudyError:
                continue
            for name in sorted(rule.variables):
                found.setdefault(name, f"arms.{arm}.route.{number}.when")
    return found


@dataclass(frozen=True)
class Routing:
    """What rules may look at: rows that take part, and fields that are derived from them.

    Attributes:
        fields: derived field -> its meaning; `codes` their values.
    """

    data: SurveyData
    rules: MissingRules
    fields: Mapping[str, CodedVariable]
    codes: Mapping[str, pd.arrays.IntegerArray]


def route_choices(study: Study, routing: Routing) -> tuple[dict[str, tuple[int, ...]], list[Problem]]:
    """Arm -> number of the step that each respondent takes, and what is wrong with the rules.

    A respondent for whom no rule holds takes the last step.
    """
    choices: dict[str, tuple[int, ...]] = {}
    problems: list[Problem] = []
    for arm, steps in _routes(study).items():
        taken = np.full(len(routing.data.frame), len(steps) - 1)
        for number in range(len(steps) - 1, -1, -1):
            when = steps[number].when
            if when is None:
                taken[:] = number
                continue
            where = f"arms.{arm}.route.{number}.when"
            try:
                rule = parse_rule(when, where=where)
            except StudyError as e:
                problems += e.problems
                continue
            found = rule_problems(rule, _variables(routing), _nominal(study, routing), where=where)
            problems += found
            if not found:
                taken[rule.holds(_values(rule, routing))] = number
        choices[arm] = tuple(taken.tolist())
    return choices, problems


def _routes(study: Study) -> dict[str, list[RouteStep]]:
    return {name: arm.route for name, arm in study.arms.items() if arm.route is not None}


def _variables(routing: Routing) -> dict[str, Variable]:
    derived = {
        name: Variable(
            name,
            labels={code: label for code, label in field.labels.items()},
            kind="labelled" if field.labels else "numeric",
        )
        for name, field in routing.fields.items()
    }
    return {**routing.data.variables, **derived}


def _nominal(study: Study, routing: Routing) -> set[str]:
    return nominal_variables(routing.data.variables, study.questions)


def _values(rule: Rule, routing: Routing) -> pd.DataFrame:
    derived = {name for name in rule.variables if name in routing.fields}
    values = known_values(routing.data, rule.variables - derived, routing.rules)
    for name in sorted(derived):
        values[name] = pd.array(routing.codes[name], dtype="Int32")
    return values
