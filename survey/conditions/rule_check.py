"""Checks a rule against the variables it may look at."""

from collections.abc import Collection, Iterator, Mapping

from schemas.errors import Problem
from survey.conditions.rule_language import ORDERINGS, AllOf, AnyOf, Comparison, Missing, Node, Not, OneOf, Value
from survey.conditions.rules import Rule
from survey.data import Variable
from survey.formats.tagged_missing import is_tagged
from survey.nearest import did_you_mean


def rule_problems(
    rule: Rule, variables: Mapping[str, Variable], nominal: Collection[str], *, where: str
) -> list[Problem]:
    """What is wrong with a rule: unknown variables, order on nominal ones, text against codes.

    Args:
        rule: as read by `parse_rule`.
        variables: name -> description of everything the rule may look at.
        nominal: variables whose codes have no order, or another order than their numbers.
        where: dotted key in the study.
    """
    unknown = [
        Problem(
            f"`{name.text}` (character {name.at + 1}) is no variable of the survey file.",
            where,
            did_you_mean(name.text, variables),
            code="rule_unknown_variable",
        )
        for name in rule.names
        if name.text not in variables
    ]
    found = [p for leaf in _leaves(rule.node) for p in _leaf_problems(leaf, variables, nominal, where)]
    return unknown + found


def _leaves(node: Node) -> Iterator[Comparison | OneOf | Missing]:
    match node:
        case Not(part):
            yield from _leaves(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _leaves(part)
        case _:
            yield node


def _leaf_problems(
    leaf: Comparison | OneOf | Missing,
    variables: Mapping[str, Variable],
    nominal: Collection[str],
    where: str,
) -> Iterator[Problem]:
    variable = variables.get(leaf.name.text)
    if variable is None or isinstance(leaf, Missing):
        return
    if isinstance(leaf, Comparison) and leaf.operator in ORDERINGS and variable.name in nominal:
        yield Problem(
            f"`{leaf.operator}` (character {leaf.name.at + 1}) needs an order and {variable.name} has none.",
            where,
            f"List the codes: `{variable.name} in [...]`.",
            code="rule_order_on_nominal",
        )
    values = leaf.values if isinstance(leaf, OneOf) else (leaf.value,)
    for value in values:
        yield from _type_problem(variable, value, leaf.name.at, where)


def _type_problem(variable: Variable, value: Value, at: int, where: str) -> Iterator[Problem]:
    holds_text = _holds_text(variable)
    if holds_text == isinstance(value, str):
        return
    codes = [code for code, label in variable.labels.items() if label == value]
    if holds_text:
        hint = "Put the value in quotation marks."
    elif codes:
        hint = f"Write {variable.name} == {codes[0]}."
    else:
        hint = "Compare it with a number."
    kind = "text" if holds_text else "numbers"
    yield Problem(
        f"{variable.name} (character {at + 1}) holds {kind} and is compared with `{value}`.",
        where,
        hint,
        code="rule_type",
    )


def _holds_text(variable: Variable) -> bool:
    if variable.kind in {"text", "date"}:
        return True
    return any(isinstance(code, str) and not is_tagged(code) for code in variable.labels)
