"""What is wrong with a command line, in words: which option, which value, what it takes, where the help is."""

import re
from typing import Any

import typer
from typer.exceptions import TyperException

from schemas.errors import Problem

_WORDS: tuple[tuple[str, str], ...] = (
    (r"Input should be a valid number.*", "write a number"),
    (r"Input should be a finite number.*", "write a finite number"),
    (r"Input should be a valid integer.*", "write a whole number"),
    (r"Input should be greater than or equal to (\S+)", r"it must be \1 or more"),
    (r"Input should be greater than (\S+)", r"it must be more than \1"),
    (r"Input should be less than or equal to (\S+)", r"it must be \1 or less"),
    (r"Input should be less than (\S+)", r"it must be less than \1"),
    (r"Input should be ('.*)", r"write \1"),
    (r"Input should be (.*)", r"it should be \1"),
    (r"(?:Value|Assertion) (?:error|failed), (.*)", r"\1"),
)


def usage_problem(error: TyperException) -> Problem | None:
    """The problem of a command line that the parser refused; None if it has shown the help instead."""
    if not error.format_message():
        return None
    hint = f"`{_command(getattr(error, 'ctx', None))} --help` shows what it takes."
    parameter, said = getattr(error, "param", None), getattr(error, "message", "")
    if parameter is None or not said:
        return Problem(_ended(error.format_message()), "", hint)
    is_option = parameter.param_type_name == "option"
    place = parameter.opts[0] if is_option else str(parameter.metavar or parameter.name).strip("[]").upper()
    value, words = _value(error), _plain(said)
    is_told = value is None or repr(value) in words
    return Problem(_ended(words if is_told else f"{value!r}: {words}"), place, hint)


def _plain(said: str) -> str:
    for pattern, words in _WORDS:
        if re.fullmatch(pattern, said):
            return re.sub(pattern, words, said)
    return said


def _value(error: BaseException) -> object:
    """What was typed, as far as the parser kept it."""
    cause = error.__cause__ if error.__cause__ is not None else error.__context__
    found = getattr(cause, "errors", None)
    details = found() if callable(found) else []
    return details[0].get("input") if details else None


def _command(context: typer.Context | None) -> str:
    """As a user types it, whatever started it."""
    words: list[str] = []
    at: Any = context
    while at is not None and at.parent is not None:
        words.insert(0, str(at.info_name))
        at = at.parent
    return " ".join(["nightpoll", *words])


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
