"""The words of the rule language: tokens with their position, and the tree they form; grammar in GRAMMAR."""

import re
from dataclasses import dataclass

GRAMMAR = """
rule       = any
any        = all { "or" all }
all        = term { "and" term }
term       = "not" term | "(" any ")" | "missing" "(" variable ")" | comparison
comparison = variable ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
       | variable [ "not" ] "in" "[" value { "," value } "]"
value      = number | "text" | 'text'
variable   = a name, or `any name` in backquotes
"""

Value = int | float | str
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
ORDERINGS = frozenset({"<", "<=", ">", ">="})
KEYWORDS = frozenset({"and", "or", "not", "in", "missing"})


@dataclass(frozen=True)
class Name:
    """A variable and where it stands (0-based position in the text)."""

    text: str
    at: int


@dataclass(frozen=True)
class Comparison:
    """Variable, operator, value."""

    name: Name
    operator: str
    value: Value


@dataclass(frozen=True)
class OneOf:
    """Variable is one of several values."""

    name: Name
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Missing:
    """Variable has no answer, for whatever reason."""

    name: Name


@dataclass(frozen=True)
class Not:
    """The opposite; unknown stays unknown."""

    part: "Node"


@dataclass(frozen=True)
class AllOf:
    """Every part holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Node", ...]


Node = Comparison | OneOf | Missing | Not | AllOf | AnyOf


@dataclass(frozen=True)
class Token:
    """One word of a rule: kind is number, text, quoted (a name in backquotes), name, sign or end."""

    kind: str
    text: str
    at: int


LONGEST = 10_000

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?(?:\d+\.\d+|\.\d+|\d+)(?![\w.]))
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<quoted>`[^`]+`)
    | (?P<name>[^\W\d][\w.$\#@]*)
    | (?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE,
)


class RuleSyntaxError(Exception):
    """A rule that cannot be read: what is wrong and the 0-based position."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what = what
        self.at = at


def tokens(text: str) -> list[Token]:
    """The words of a rule, closed by an `end` token.

    Raises:
        RuleSyntaxError: a sign that the language does not have, or far too many.
    """
    if len(text) > LONGEST:
        raise RuleSyntaxError(f"a rule may have {LONGEST:,} characters", LONGEST)
    found: list[Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unknown_sign(text, at + len(text[at:]) - len(text[at:].lstrip()))
        kind = str(match.lastgroup)
        word = match.group(kind)
        found.append(Token(kind, word[1:-1] if kind in {"text", "quoted"} else word, match.start(kind)))
        at = match.end()
    return [*found, Token("end", "", end)]


_INSTEAD = {"=": "==", "&": "and", "|": "or", "!": "not", "~": "not", "≥": ">=", "≤": "<=", "≠": "!="}


def _unknown_sign(text: str, at: int) -> RuleSyntaxError:
    sign = text[at]
    if sign in "\"'`":
        return RuleSyntaxError(f"the quotation mark {sign} is not closed", at)
    instead = f"; write `{_INSTEAD[sign]}`" if sign in _INSTEAD else ""
    return RuleSyntaxError(f"`{sign}` is not understood{instead}", at)
