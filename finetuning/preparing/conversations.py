"""Requests of several turns as training prompts: what a person answered before stands where the model would have. Pure.

Turns are those of plan.parquet: a list of messages, then lists that go on. Questions asked with memory are such turns;
what a model writes for itself (stages, orders asked one by one) has no human answer and is no prompt here.
"""

import json
from collections.abc import Mapping

from schemas.errors import UserInputError
from schemas.identity import canonical_json

_NEXT_TURN = ('}],[{"', '}],{"')
"""Where another turn begins in canonical JSON: inside a text the quotation mark would be escaped, or end the text."""


def is_one_turn(turns: str) -> bool:
    """Whether a request is one call."""
    return not any(mark in turns for mark in _NEXT_TURN) or len(json.loads(turns)) == 1


def up_to(turns: str, turn: int | None, said: Mapping[int, str]) -> str | None:
    """The conversation before the answer of a turn, as the column of a request of one turn.

    Args:
        turns: the plan's column.
        turn: that answers; None: not known, as of requests whose turns no person answers.
        said: turn -> what the person answered.

    Returns:
        None if an earlier answer is missing.

    Raises:
        UserInputError: these turns are not answered one by one.
    """
    first, *later = json.loads(turns)
    if turn is None or not all(isinstance(asked, list) and all(map(_is_plain, asked)) for asked in later):
        hint = "Train an arm that asks once, or with memory: no stages, answers of its own, or permutations."
        raise UserInputError("the arm asks in several turns that no person answered.", where="--arm", hint=hint)
    if any(before not in said for before in range(turn)):
        return None
    messages = list(first)
    for before in range(turn):
        messages += [{"content": said[before], "role": "assistant"}, *later[before]]
    return canonical_json([messages])


def _is_plain(message: Mapping[str, object]) -> bool:
    return isinstance(message["content"], str)
