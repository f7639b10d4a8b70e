"""What is wrong with a value, in words that no library's name stands in. Pure."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.secret_text import names_a_secret, shortened

_WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "text",
    "finite_number": "a number that is finite",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list [..]",
    "tuple_type": "a list [..]",
    "dict_type": "keys and values {..}",
    "model_type": "keys and values {..}",
    "date_type": "a date such as 2026-11-01",
    "date_parsing": "a date such as 2026-11-01",
    "date_from_datetime_parsing": "a date such as 2026-11-01",
    "date_from_datetime_inexact": "a date such as 2026-11-01",
}
_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def wanted_words(detail: ErrorDetails) -> str:
    """What the value should have been: "greater than 0"."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WANTED:
        return _WANTED[kind]
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        return f"{words} {int(bound) if isinstance(bound, float) and bound.is_integer() else bound}"
    if kind == "literal_error":
        return f"one of {context['expected'].replace(chr(39), '')}".replace("one of auto", "auto")
    if kind == "string_pattern_mismatch":
        return "letters, digits, '_' and '-' only, at most 50, the first a letter or digit"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def found_words(name: str, value: object) -> str:
    """What stands there; not shown where the name says that it is secret."""
    if names_a_secret(name):
        return "a value that is not shown"
    return "empty" if value is None else shortened(value)


def first_wrong(error: ValidationError) -> str:
    """The first thing that is wrong with data that is in no file: "`rpm` is -3 and must be greater than 0."."""
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"unknown key `{name}`."
    if first["type"] == "missing":
        return f"`{name}` is missing."
    if first["type"] == "value_error" or not name:
        return f"{first['msg'].removeprefix('Value error, ')}."
    return f"`{name}` is {found_words(str(first['loc'][-1]), first['input'])} and must be {wanted_words(first)}."
