"""Where a rule is true and where it is false, in a logic of three values.

A comparison with a missing value is neither. Unknown stays unknown through `not`, `and` and `or`.
Source: Kleene, Introduction to Metamathematics (1952), section 64, strong tables.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.conditions.rule_language import AllOf, AnyOf, Comparison, Missing, Node, Not, OneOf, Value

BoolArray = npt.NDArray[np.bool_]


class Truth(NamedTuple):
    """Where a part is certainly true and where it is certainly false; neither is unknown."""

    yes: BoolArray
    no: BoolArray


def evaluate(node: Node, frame: pd.DataFrame) -> Truth:
    """Truth of a tree in every row; the frame has a column for each variable, null where missing."""
    match node:
        case Not(part):
            inner = evaluate(part, frame)
            return Truth(inner.no, inner.yes)
        case AllOf(parts):
            truths = [evaluate(part, frame) for part in parts]
            yes = np.logical_and.reduce([t.yes for t in truths])
            return Truth(yes, np.logical_or.reduce([t.no for t in truths]))
        case AnyOf(parts):
            truths = [evaluate(part, frame) for part in parts]
            yes = np.logical_or.reduce([t.yes for t in truths])
            return Truth(yes, np.logical_and.reduce([t.no for t in truths]))
        case Missing(name):
            missing = frame[name.text].isna().to_numpy(dtype=bool)
            return Truth(missing, ~missing)
        case OneOf(name, values):
            known = frame[name.text].notna().to_numpy(dtype=bool)
            hits = [_compare(frame[name.text], "==", value) for value in values]
            yes = np.logical_or.reduce(hits) & known
            return Truth(yes, known & ~yes)
        case Comparison(name, operator, value):
            known = frame[name.text].notna().to_numpy(dtype=bool)
            yes = _compare(frame[name.text], operator, value) & known
            return Truth(yes, known & ~yes)


def _compare(column: "pd.Series[object]", operator: str, value: Value) -> BoolArray:
    """The plain comparison; false wherever the value is null. A number never equals a text."""
    is_text = not pd.api.types.is_numeric_dtype(column.dtype)
    if is_text != isinstance(value, str):
        return np.full(len(column), operator == "!=")
    result = {
        "==": column.eq,
        "!=": column.ne,
        "<": column.lt,
        "<=": column.le,
        ">": column.gt,
        ">=": column.ge,
    }[operator](value)
    return np.asarray(result.fillna(False), dtype=bool)
