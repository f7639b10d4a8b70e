"""What an answer should look like, as far as a prompt and a JSON schema say so."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BOUNDS = re.compile(r"\b(whole )?number\b[^.\n]*? from (-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)", re.IGNORECASE)
_ALL = "all options that apply"
_OWN_WORDS = "own words"
_SEMICOLONS = "separated by semicolons"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The shape of an answer.

    Attributes:
        several: all options that apply, with `between` between them.
        bounds: smallest and largest number; None if no number is asked for.
        is_whole: of that number.
        own_words: a sentence of the person's own.
        schema: of structured output; None: plain text.
    """

    several: bool = False
    between: str = ", "
    bounds: tuple[float, float] | None = None
    is_whole: bool = False
    own_words: bool = False
    schema: Mapping[str, Any] | None = None


def read_wanted(lines: Sequence[str], schema: Mapping[str, Any] | None) -> Wanted:
    """The shape that the last line of a message asks for.

    Args:
        lines: of the last user message.
        schema: the JSON schema of the request's response format.
    """
    told = [line for line in lines if line.strip()]
    last = told[-1] if told else ""
    found = _BOUNDS.search(last)
    return Wanted(
        several=_ALL in last,
        between="; " if _SEMICOLONS in last else ", ",
        bounds=None if found is None else (float(found[2]), float(found[3])),
        is_whole=found is not None and found[1] is not None,
        own_words=_OWN_WORDS in last,
        schema=schema,
    )
