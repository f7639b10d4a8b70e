"""Rules of a study: `when` and `filter`, such as `EDUCATION >= 5 and INC_SDT1 in [4, 5] and not missing(AGE)`.

A comparison with a missing value is neither true nor false (see `rule_truth`) and counts as false at the end:
`not (X == 1)` does not hold where X is missing, exactly like `X != 1`.
"""

from dataclasses import dataclass

import pandas as pd

from schemas.errors import Problem, StudyError
from survey.conditions.rule_language import (
    COMPARISONS,
    KEYWORDS,
    AllOf,
    AnyOf,
    Comparison,
    Missing,
    Name,
    Node,
    Not,
    OneOf,
    RuleSyntaxError,
    Token,
    Value,
    tokens,
)
from survey.conditions.rule_truth import BoolArray, evaluate

_DEEPEST = 50


@dataclass(frozen=True)
class Rule:
    """A rule that has been read.

    Attributes:
        text: as written.
        node: its meaning as a tree.
    """

    text: str
    node: Node

    @property
    def names(self) -> list[Name]:
        """Every mention of a variable, from left to right."""
        return sorted(_names(self.node), key=lambda name: name.at)

    @property
    def variables(self) -> set[str]:
        """The variables that the rule looks at."""
        return {name.text for name in _names(self.node)}

    def holds(self, frame: pd.DataFrame) -> BoolArray:
        """Where the rule holds, shape (rows,).

        Args:
            frame: a column for each of `variables`; null is missing of any kind.
        """
        return evaluate(self.node, frame).yes


def parse_rule(text: str, *, where: str = "") -> Rule:
    """Reads a rule.

    Raises:
        StudyError: code `rule_syntax`; says what is wrong and at which character.
    """
    try:
        return Rule(text, _Reader(tokens(text)).rule())
    except RuleSyntaxError as e:
        what = f"The rule `{text}` cannot be read: {e.what} (character {e.at + 1})."
        hint = "A rule looks like `AGE >= 30 and METRO in [1, 2] and not missing(HISP)`."
        raise StudyError([Problem(what, where, hint, code="rule_syntax")]) from e


class _Reader:
    """Recursive descent over the tokens of one rule."""

    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._next = 0
        self._depth = 0

    def rule(self) -> Node:
        node = self._any()
        if self._word.kind != "end":
            raise self._unexpected("`and`, `or` or the end")
        return node

    @property
    def _word(self) -> Token:
        return self._words[self._next]

    def _take(self) -> Token:
        word = self._word
        self._next += word.kind != "end"
        return word

    def _is(self, text: str) -> bool:
        word = self._word
        return (word.kind == "sign" and word.text == text) or (
            word.kind == "name" and text in KEYWORDS and word.text.lower() == text
        )

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise self._unexpected(f"`{text}`")
        self._take()

    def _unexpected(self, wanted: str) -> RuleSyntaxError:
        word = self._word
        found = "it ends" if word.kind == "end" else f"it says `{word.text}`"
        return RuleSyntaxError(f"expected {wanted}, but {found}", word.at)

    def _any(self) -> Node:
        parts = [self._all()]
        while self._is("or"):
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self) -> Node:
        parts = [self._term()]
        while self._is("and"):
            self._take()
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _term(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RuleSyntaxError("it is nested too deeply", self._word.at)
        node = self._deeper()
        self._depth -= 1
        return node

    def _deeper(self) -> Node:
        if self._is("not"):
            self._take()
            return Not(self._term())
        if self._is("("):
            self._take()
            node = self._any()
            self._expect(")")
            return node
        if self._is("missing"):
            self._take()
            self._expect("(")
            name = self._name()
            self._expect(")")
            return Missing(name)
        return self._comparison()

    def _name(self) -> Name:
        word = self._word
        is_keyword = word.kind == "name" and word.text.lower() in KEYWORDS
        if word.kind not in {"name", "quoted"} or is_keyword:
            raise self._unexpected("the name of a variable")
        self._take()
        return Name(word.text, word.at)

    def _comparison(self) -> Node:
        name = self._name()
        if self._is("not"):
            self._take()
            return Not(self._one_of(name))
        if self._is("in"):
            return self._one_of(name)
        if self._word.kind != "sign" or self._word.text not in COMPARISONS:
            raise self._unexpected("a comparison such as `==` or `in [...]`")
        return Comparison(name, self._take().text, self._value())

    def _one_of(self, name: Name) -> OneOf:
        self._expect("in")
        self._expect("[")
        values = [self._value()]
        while self._is(","):
            self._take()
            values.append(self._value())
        self._expect("]")
        return OneOf(name, tuple(values))

    def _value(self) -> Value:
        word = self._word
        if word.kind not in {"number", "text"}:
            raise self._unexpected("a number or a text in quotation marks")
        self._take()
        if word.kind == "text":
            return word.text
        return float(word.text) if "." in word.text else int(word.text)


def _names(node: Node) -> list[Name]:
    match node:
        case Not(part):
            return _names(part)
        case AllOf(parts) | AnyOf(parts):
            return [name for part in parts for name in _names(part)]
        case Comparison() | OneOf() | Missing():
            return [node.name]
