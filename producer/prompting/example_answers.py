"""Real answers as a few-shot example gives them: in the very format that is asked for. Pure."""

import json
from collections.abc import Sequence

from schemas.answer_format import ANSWER_KEY, LETTERS, AnswerFormat
from schemas.codebook import CodedVariable

RealAnswer = int | float | tuple[int, ...]
"""A code, a number, or the codes ticked."""


def written_answer(answer: RealAnswer, shape: AnswerFormat, question: CodedVariable, order: Sequence[int]) -> str:
    """An answer as a model should have written it.

    Args:
        answer: a code for one option, codes for several, a number for a numeric question.
        shape: format asked for; reasons are left out.
        question: labels.
        order: codes in the order shown, for letters.
    """
    value: object = list(answer) if isinstance(answer, tuple) else _plain(answer)
    if shape.form == "json":
        return json.dumps({ANSWER_KEY: value})
    if shape.asked == "numeric":
        return str(value)
    codes = answer if isinstance(answer, tuple) else (int(answer),)
    marks = [_mark(code, shape.form, question, order) for code in codes]
    return ("; " if shape.form == "label" else ", ").join(marks) if marks else "NONE"


def _plain(number: float) -> int | float:
    return int(number) if float(number).is_integer() else number


def _mark(code: int, form: str, question: CodedVariable, order: Sequence[int]) -> str:
    if form == "letter":
        return LETTERS[list(order).index(code)]
    return " ".join(question.labels.get(code, str(code)).split()) if form == "label" else str(code)
