"""Templates of users: Jinja without names of its own, without ways to eat memory, and with an end."""

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_CHARS = 200_000
"""A rendered text may be this long."""
MAX_PIECES = 100_000
"""So many pieces may a template write: loops inside loops end here."""

_DROPPED_FILTERS = ("center", "format", "indent", "pprint", "random", "wordwrap", "xmlattr", "tojson", "filesizeformat")


class Sandbox(ImmutableSandboxedEnvironment):
    """Free names are the caller's values or mistakes; a text cannot be multiplied or padded to any length."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        # prompts are plain text: escaping would put &#39; into them
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
        self.globals.clear()
        for name in _DROPPED_FILTERS:
            self.filters.pop(name, None)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja's own
        """Arithmetic on small numbers only."""
        if not all(isinstance(value, int | float) and abs(value) < 1e6 for value in (left, right)):
            raise SecurityError(f"`{operator}` works on numbers below a million only")
        if operator == "**" and abs(right) > 16:
            raise SecurityError("`**` takes exponents up to 16 only")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - Jinja's own
        """No methods of texts that pad or format."""
        if isinstance(obj, str) and attr in {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map"}:
            return False
        return super().is_safe_attribute(obj, attr, value)


def render_bounded(template: Template, values: Mapping[str, object]) -> str:
    """The rendered text.

    Raises:
        SecurityError: it grows beyond the bounds. TemplateError and what a filter may raise: as Jinja does.
    """
    parts, n_chars = [], 0
    for n, part in enumerate(template.generate(dict(values))):
        n_chars += len(part)
        if n_chars > MAX_CHARS or n > MAX_PIECES:
            raise SecurityError(f"the text grows beyond {MAX_CHARS} characters")
        parts.append(part)
    return "".join(parts)
