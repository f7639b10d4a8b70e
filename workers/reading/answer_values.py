"""What reading an answer gives: a choice, several, a number, own words, or the reason why there is none."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.codebook import CodedVariable


class Choice(NamedTuple):
    """One offered code."""

    code: int


class Several(NamedTuple):
    """Offered codes without repeats, in codebook order; none at all is an answer."""

    codes: tuple[int, ...]


class Number(NamedTuple):
    """A number within the bounds."""

    value: float


class Words(NamedTuple):
    """Own words, and their code where a codebook knows one of them."""

    text: str
    code: int | None


class Unparsed(NamedTuple):
    """No single answer; `reason` is a key of `REASONS`."""

    reason: str


Read = Choice | Several | Number | Words | Unparsed

REASONS = {
    "no_text": "The reply holds no text.",
    "no_answer_line": "The reply has no single line `ANSWER: <code>`.",
    "code_not_offered": "The reply is a number that was not offered.",
    "no_code": "The reply is neither an offered number nor its label.",
    "no_letter": "The reply is no letter of an option.",
    "no_label": "The reply is not one of the options, word for word.",
    "no_list": "The reply is no list of offered options.",
    "no_number": "The reply is no single number.",
    "out_of_bounds": "The reply is a number outside the bounds.",
    "not_whole": "The reply is a number with decimals where whole numbers are asked for.",
    "no_json": "The reply is no JSON object of the agreed shape.",
    "no_option_mass": "No probability of the first token falls on an option.",
    "no_distribution": "The reply is no JSON object with a share for options.",
    "too_long": "The reply is longer than is ever read.",
}
"""Reason -> what it means, one sentence."""


class Offered(NamedTuple):
    """What a question offers, as one respondent saw it.

    Attributes:
        labels: code -> label, in codebook order.
        order: codes in the order shown.
        minimum, maximum, whole, unit: of a numeric question.
        coding: of an open question, code -> words.
    """

    labels: Mapping[int, str]
    order: Sequence[int]
    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False
    unit: str = ""
    coding: Mapping[int, Sequence[str]] = {}


def offered_by(question: CodedVariable, order: Sequence[int] | None = None) -> Offered:
    """What a question offers, in the order shown; None: in its own."""
    return Offered(
        labels={code: question.labels.get(code, str(code)) for code in question.codes},
        order=question.shown if order is None else order,
        minimum=question.minimum,
        maximum=question.maximum,
        whole=question.whole,
        unit=question.unit,
        coding=question.coding,
    )
