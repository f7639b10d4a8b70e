"""Real answers in the very format that is asked for, as few-shot examples and training lines give them. Pure."""

import json
from collections.abc import Sequence

from schemas.answer_format import ANSWER_KEY, LETTERS, AnswerFormat
from schemas.codebook import CodedVariable

RealAnswer = int | float | str | tuple[int, ...]
"""A code, a number, own words, or the codes ticked."""


def written_answer(answer: RealAnswer, shape: AnswerFormat, question: CodedVariable, order: Sequence[int]) -> str:
    """An answer as a model should have written it.

    Args:
        answer: a code for one option, codes for several, a number for a numeric question, own words for an open one.
        shape: format asked for; reasons are left out.
        question: labels.
        order: codes in the order shown, for letters.
    """
    value = _value(answer)
    if shape.form == "json":
        return json.dumps({ANSWER_KEY: value}, ensure_ascii=False)
    if isinstance(answer, str) or shape.asked == "numeric":
        return str(value)
    codes = answer if isinstance(answer, tuple) else (int(answer),)
    marks = [_mark(code, shape.form, question, order) for code in codes]
    return ("; " if shape.form == "label" else ", ").join(marks) if marks else "NONE"


def _value(answer: RealAnswer) -> object:
    if isinstance(answer, tuple):
        return list(answer)
    if isinstance(answer, str):
        return answer
    return int(answer) if float(answer).is_integer() else answer


def _mark(code: int, form: str, question: CodedVariable, order: Sequence[int]) -> str:
    if form == "letter":
        return LETTERS[list(order).index(code)]
    return " ".join(question.labels.get(code, str(code)).split()) if form == "label" else str(code)
