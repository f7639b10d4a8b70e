"""Reading structured answers: one JSON object of the agreed shape and nothing else, else a reason."""

import json
import re
from typing import Any

from schemas.answer_format import ANSWER_KEY, REASON_KEY, Asked
from workers.reading.answer_numbers import bounded
from workers.reading.answer_options import in_codebook_order, read_option
from workers.reading.answer_values import Choice, Number, Offered, Read, Several, Unparsed, Words

_FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)
_NOTHING = Unparsed("no_json")


def json_answer(text: str) -> Any:  # noqa: ANN401 - whatever stands under the key
    """What stands under `answer`; an `Unparsed` if the reply is not one object with that key and at most a reason."""
    fenced = _FENCED.fullmatch(text.strip())
    try:
        found = json.loads(fenced[1] if fenced else text, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return _NOTHING
    if not isinstance(found, dict) or not {ANSWER_KEY} <= found.keys() <= {ANSWER_KEY, REASON_KEY}:
        return _NOTHING
    return found[ANSWER_KEY]


def read_json(text: str, asked: Asked, offered: Offered) -> Read:
    """An answer of the shape that was agreed; a code may stand as a number or as a text of it."""
    value = json_answer(text)
    if isinstance(value, Unparsed):
        return value
    if asked == "several":
        return _several(value, offered)
    if asked == "numeric":
        return _number(value, offered)
    if asked == "open":
        return Words(value.strip(), None) if isinstance(value, str) and value.strip() else _NOTHING
    return _option(value, offered)


def _option(value: object, offered: Offered) -> Choice | Unparsed:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return _NOTHING
    return read_option(str(value), "number", offered)


def _several(value: object, offered: Offered) -> Several | Unparsed:
    if not isinstance(value, list):
        return _NOTHING
    codes: set[int] = set()
    for one in value:
        found = _option(one, offered)
        if isinstance(found, Unparsed):
            return found
        codes.add(found.code)
    return in_codebook_order(codes, offered)


def _number(value: object, offered: Offered) -> Number | Unparsed:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _NOTHING
    try:
        return bounded(float(value), offered)
    except OverflowError:
        return Unparsed("out_of_bounds")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
