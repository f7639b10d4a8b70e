"""Structured output: the JSON schema of an answer, within the rules for strict schemas. Pure.

Source: structured outputs guide (OpenAI and Azure OpenAI), read 2026-11-22: every property required, no additional
ones, no bounds on numbers, at most 500 enum values. Bounds are therefore checked when the answer is read.
"""

from typing import Any

from schemas.answer_format import ANSWER_KEY, REASON_KEY, AnswerFormat
from schemas.codebook import CodedVariable


def response_format(shape: AnswerFormat, question: CodedVariable) -> dict[str, Any]:
    """The wire parameter `response_format` for a question; codes stand in codebook order, whatever order is shown."""
    properties: dict[str, Any] = {REASON_KEY: {"type": "string"}} if shape.is_reasoned else {}
    properties[ANSWER_KEY] = _answer(shape, question)
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def _answer(shape: AnswerFormat, question: CodedVariable) -> dict[str, Any]:
    if shape.asked == "open":
        return {"type": "string"}
    if shape.asked == "numeric":
        return {"type": "integer" if question.whole else "number"}
    option = {"type": "integer", "enum": list(question.codes)}
    return {"type": "array", "items": option} if shape.asked == "several" else option
