"""Templates of users: Jinja without names of its own, without ways to eat memory or time, and with an end.

Nothing in a template makes a text much longer than the template and its values: no `set`, no macro, no arithmetic on
texts, methods and filters by list only, loops counted together.
"""

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_CHARS = 200_000
"""A rendered text may be this long."""
MAX_PIECES = 100_000
"""So many pieces may a template write, and so many times may its loops go round: loops inside loops end here."""

_FILTERS = frozenset({
    "abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "join", "last", "length", "list",
    "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort",
    "string", "sum", "title", "trim", "truncate", "unique", "upper", "wordcount",
})  # fmt: skip
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset({
        "capitalize", "casefold", "count", "endswith", "find", "format", "isalpha", "isdigit", "isupper", "islower",
        "lower", "lstrip", "removeprefix", "removesuffix", "rstrip", "split", "splitlines", "startswith", "strip",
        "swapcase", "title", "upper",
    }),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
}  # fmt: skip
_STATEMENTS = (
    nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.Include, nodes.Import,
    nodes.FromImport, nodes.Extends, nodes.Block,
)  # fmt: skip
_WIDE = re.compile(r"\{[^{}]*\d{3,}[^{}]*\}|\{[^{}]*\{")
"""A field of a format that is a hundred or more wide, or as wide as a value says."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Free names are the caller's values or mistakes; a text cannot be multiplied or padded to any length."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        # prompts are plain text: escaping would put &#39; into them
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
        self.globals.clear()
        own: dict[str, Callable[..., Any]] = {"join": _join, "replace": _replace, "round": _round}
        self.filters = {name: own.get(name, each) for name, each in self.filters.items() if name in _FILTERS}
        self.filters["_turns"] = self._turns
        self._went = threading.local()

    def begin(self) -> None:
        """Before a template is rendered: its loops start from nothing."""
        self._went.turns = 0

    def compiled(self, source: str) -> Template:
        """A template ready to render.

        Raises:
            TemplateError: it is none, does what is not allowed here, or is nested too deeply.
        """
        try:
            return self.from_string(source)
        except (SyntaxError, RecursionError, MemoryError, ValueError, OverflowError) as e:
            raise TemplateSyntaxError("it is nested too deeply, or holds a number that is none", 1) from e

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        try:
            tree = super()._parse(source, name, filename)
        except (RecursionError, ValueError, OverflowError) as e:
            raise TemplateSyntaxError("it is nested too deeply, or holds a number that is none", 1) from e
        refused = next(iter(tree.find_all(_STATEMENTS)), None)
        if refused is not None:
            raise TemplateSyntaxError("only texts, {{ }}, {% if %} and {% for %} are allowed here", refused.lineno)
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise TemplateSyntaxError("a loop must not be recursive", loop.lineno)
            loop.iter = nodes.Filter(loop.iter, "_turns", [], [], None, None, lineno=loop.lineno)
        return tree

    def _turns(self, values: Iterable[Any]) -> list[Any]:
        """What a loop goes over, charged to all loops of this rendering."""
        found = list(islice(values, MAX_PIECES + 1))
        self._went.turns = getattr(self._went, "turns", 0) + len(found)
        if self._went.turns > MAX_PIECES:
            raise SecurityError(f"loops go round more than {MAX_PIECES} times")
        return found

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja's own
        """Arithmetic on small numbers only."""
        if not all(isinstance(value, int | float) and abs(value) < 1e6 for value in (left, right)):
            raise SecurityError(f"`{operator}` works on numbers below a million only")
        if operator == "**" and abs(right) > 16:
            raise SecurityError("`**` takes exponents up to 16 only")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - Jinja's own
        """Methods by list: others pad, multiply or encode."""
        if callable(value) and attr not in _METHODS.get(type(obj), ()):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:  # noqa: ANN401 - Jinja's own
        """`format` of a text, with narrow fields only."""
        wrapped = super().wrap_str_format(value)
        if wrapped is not None and _WIDE.search(value.__self__):
            raise SecurityError("`format` takes fields up to 99 wide only")
        return wrapped


def render_bounded(template: Template, values: Mapping[str, object]) -> str:
    """The rendered text.

    Raises:
        SecurityError: it grows beyond the bounds. TemplateError and what a filter may raise: as Jinja does.
    """
    if isinstance(template.environment, Sandbox):
        template.environment.begin()
    parts, n_chars = [], 0
    for n, part in enumerate(template.generate(dict(values))):
        n_chars += len(part)
        if n_chars > MAX_CHARS or n > MAX_PIECES:
            raise SecurityError(f"the text grows beyond {MAX_CHARS} characters")
        parts.append(part)
    return "".join(parts)


def _join(values: Iterable[Any], between: str = "", attribute: str | None = None) -> str:
    """Texts in one, bounded before it is made."""
    texts = [str(value if attribute is None else value[attribute]) for value in islice(values, MAX_PIECES + 1)]
    _bound(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _replace(text: object, old: str, new: str) -> str:
    """A text with another in the place of a third, bounded likewise."""
    whole = str(text)
    _bound(len(whole) + (whole.count(old)) * len(new))
    return whole.replace(old, new)


def _round(value: float, precision: int = 0) -> float:
    """A rounded number."""
    _bound(MAX_CHARS if abs(precision) <= 12 else MAX_CHARS + 1)
    return round(float(value), precision)


def _bound(n_chars: int) -> None:
    if n_chars > MAX_CHARS:
        raise SecurityError(f"a text grows beyond {MAX_CHARS} characters")
