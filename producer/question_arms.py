"""An arm for one question: instruction, wire parameters, identity and tokens as the question's kind asks for them."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from producer.arms import ModelArm
from producer.identity_text import RequestIdentity
from producer.planning.estimate import Completion, completion_of
from producer.prompting.answer_schema import response_format
from producer.prompting.instructions import instruction
from producer.prompting.strategies import Strategy
from providers.families import output_limit_tokens
from providers.service import service_identity
from schemas.answer_format import NUMBER, AnswerFormat, answer_format
from schemas.codebook import CodedVariable
from schemas.identity import canonical_json

SLACK = 8
"""A long answer may be this many tokens beyond the shortest, where the parameters set no limit."""
OPEN_TOKENS = (8, 45, 160)
JSON_TOKENS = 6


class AnswerTokens(NamedTuple):
    """Completion tokens of the answer itself, without reasons."""

    low: int
    expected: int
    high: int


def for_question(arm: ModelArm, question: CodedVariable, *, n_orders: int = 1) -> ModelArm:
    """The arm as it asks this question in so many orders of its options.

    The arm itself where one option is asked for by its code, and once.
    """
    shape = answer_format(arm.arm, question)
    if (shape.asked, shape.form) != (NUMBER.asked, NUMBER.form):
        arm = _shaped(arm, shape, question)
    return arm if n_orders == 1 else replace(arm, completion=_times(arm.completion, n_orders))


def _times(one: Completion, n: int) -> Completion:
    """The tokens of so many calls, each a turn."""
    return Completion(n * one.low, n * one.expected, n * one.high, n * one.limit, n * one.n_turns)


def _shaped(arm: ModelArm, shape: AnswerFormat, question: CodedVariable) -> ModelArm:
    parameters = dict(arm.parameters)
    if shape.form == "json":
        parameters["response_format"] = response_format(shape, question)
    strategy = _strategy(arm.strategy, shape, question, arm.counter.count)
    return replace(
        arm,
        strategy=strategy,
        parameters=parameters,
        parameters_json=canonical_json(parameters),
        identity=RequestIdentity(
            service=service_identity(arm.model),
            model_id=arm.model.model,
            parameters=parameters,
            is_deterministic=arm.is_deterministic,
        ),
        completion=completion_of(
            strategy, is_reasoning=arm.model.family == "reasoning", limit=output_limit_tokens(parameters)
        ),
    )


def answer_tokens(shape: AnswerFormat, question: CodedVariable, count: Callable[[str], int]) -> AnswerTokens:
    """Completion tokens that an answer in this format takes, reasons left out."""
    wrapping = JSON_TOKENS if shape.form == "json" else 0
    if shape.asked == "open":
        return AnswerTokens(*(n + wrapping for n in OPEN_TOKENS))
    longest = max((count(_written(shape, question, code)) for code in question.codes), default=2)
    if shape.asked == "several":
        n = len(question.codes)
        return AnswerTokens(
            1 + wrapping, wrapping + (longest + 1) * max(1, n // 3), wrapping + (longest + 1) * n + SLACK
        )
    return AnswerTokens(1 + wrapping, longest + 1 + wrapping, longest + wrapping + 2 * SLACK)


def _written(shape: AnswerFormat, question: CodedVariable, code: int) -> str:
    return question.labels.get(code, str(code)) if shape.form == "label" else str(code)


def _strategy(
    strategy: Strategy, shape: AnswerFormat, question: CodedVariable, count: Callable[[str], int]
) -> Strategy:
    tokens = answer_tokens(shape, question, count)
    before = strategy.expected_tokens if shape.is_reasoned else 0
    return replace(
        strategy,
        instruction=instruction(shape, question),
        answer_format=shape.name,
        low_tokens=tokens.low + (strategy.low_tokens if shape.is_reasoned else 0),
        expected_tokens=tokens.expected + before,
        high_tokens=tokens.high + (strategy.high_tokens if shape.is_reasoned else 0),
    )
