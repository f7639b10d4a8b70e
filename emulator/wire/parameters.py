"""Which parameters a model accepts: a request body becomes an order, or is turned away as the service would."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.answering.structured import read_schema
from emulator.catalogue import Family
from emulator.wire.refusals import Refusal, invalid

MAX_CHOICES = 8
MOST_STOPS = 4
_REFUSED_BY_REASONING = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
)
_EFFORTS = {"none": 0.0, "minimal": 0.1, "low": 0.5, "medium": 1.0, "high": 3.0, "xhigh": 5.0}
_RANGES = {"temperature": (0.0, 2.0), "top_p": (0.0, 1.0), "presence_penalty": (-2.0, 2.0)}
_RANGES["frequency_penalty"] = _RANGES["presence_penalty"]
_NOT_SERVED = ("tools", "functions", "audio", "prediction")


@dataclass(frozen=True, slots=True)
class Order:
    """What a valid request asks for.

    Attributes:
        messages: the conversation.
        max_tokens: of one choice; None: not stated.
        effort: factor on reasoning tokens; 0 for chat models.
        top_logprobs: alternatives per token; None: no log-probabilities.
        schema: of structured output; None: plain text.
        stops: texts at which the answer ends.
        prompt: what is billed instead of the messages, of a completion.
    """

    messages: list[dict[str, Any]]
    max_tokens: int | None
    temperature: float
    n: int
    seed: int | None
    effort: float
    top_logprobs: int | None
    schema: Mapping[str, Any] | None = None
    stops: tuple[str, ...] = ()
    prompt: str | None = None


def read_order(body: Mapping[str, Any], family: Family, model: str) -> Order:
    """Check a request body.

    Raises:
        Refusal: 400 with the service's own body.
    """
    _check_served(body)
    if family == "reasoning":
        _check_reasoning(body, model)
    else:
        _check_chat(body)
    for name, (low, high) in _RANGES.items():
        check_number(body, name, low, high)
    return Order(
        messages=_messages(body),
        max_tokens=_max_tokens(body),
        temperature=1.0 if body.get("temperature") is None else float(body["temperature"]),
        n=whole(body, "n", 1, MAX_CHOICES, default=1),
        seed=body.get("seed") if isinstance(body.get("seed"), int) else None,
        effort=_effort(body) if family == "reasoning" else 0.0,
        top_logprobs=whole(body, "top_logprobs", 0, 20, default=0) if body.get("logprobs") else None,
        schema=read_schema(body.get("response_format")),
        stops=read_stops(body),
    )


def read_stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Texts at which an answer ends: one, or up to four.

    Raises:
        Refusal: 400, something else.
    """
    given = body.get("stop")
    stops = [] if given is None else given if isinstance(given, list) else [given]
    if len(stops) > MOST_STOPS or not all(isinstance(stop, str) and stop for stop in stops):
        raise invalid(f"Invalid 'stop': a string, or up to {MOST_STOPS} of them.", param="stop", code="invalid_type")
    return tuple(stops)


def _check_served(body: Mapping[str, Any]) -> None:
    if body.get("stream"):
        raise _unsupported_value("stream", "true")
    for name in _NOT_SERVED:
        if body.get(name):
            raise unsupported(name)


def _check_reasoning(body: Mapping[str, Any], model: str) -> None:
    refused = _REFUSED_BY_REASONING + (("stop",) if model.startswith("gpt-5") else ())
    for name in refused:
        if body.get(name) is not None:
            raise unsupported(name, "max_completion_tokens" if name == "max_tokens" else None)
    roles = {message.get("role") for message in _messages(body)}
    if {"system", "developer"} <= roles:
        text = "'messages' cannot contain both a 'system' and a 'developer' message with this model."
        raise invalid(text, param="messages", code="invalid_value")


def _check_chat(body: Mapping[str, Any]) -> None:
    if body.get("reasoning_effort") is not None:
        text = "Unrecognized request argument supplied: reasoning_effort"
        raise invalid(text, param=None, code=None)
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise invalid(text, param="max_tokens", code="invalid_parameter_combination")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        text = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        raise invalid(text, param="top_logprobs", code=None)


def check_number(body: Mapping[str, Any], name: str, low: float, high: float) -> None:
    """Refuse anything but a number within bounds; absent is fine."""
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = f"Invalid type for '{name}': expected a decimal, but got something else instead."
        raise invalid(text, param=name, code="invalid_type")
    if not low <= value <= high:
        side, sign, edge = ("above_max", "<=", high) if value > high else ("below_min", ">=", low)
        text = f"Invalid '{name}': decimal {side.replace('_', ' ')}imum value. Expected a value {sign} {edge:g}, "
        raise invalid(text + f"but got {value:g} instead.", param=name, code=f"decimal_{side}_value")


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if messages is None:
        text = "Missing required parameter: 'messages'."
        raise invalid(text, param="messages", code="missing_required_parameter")
    if not isinstance(messages, list) or not messages:
        text = "Invalid 'messages': expected an array with at least one message."
        raise invalid(text, param="messages", code="invalid_type")
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or "role" not in message or "content" not in message:
            text = f"Missing required parameter: 'messages[{at}].role' or 'messages[{at}].content'."
            raise invalid(text, param=f"messages[{at}]", code="missing_required_parameter")
    return messages


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    name = "max_tokens" if body.get("max_tokens") is not None else "max_completion_tokens"
    return None if body.get(name) is None else whole(body, name, 1, 10_000_000, default=1)


def whole(body: Mapping[str, Any], name: str, low: int, high: int, *, default: int) -> int:
    """A whole number within bounds, the default if absent; anything else is refused."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        text = f"Invalid type for '{name}': expected an integer, but got something else instead."
        raise invalid(text, param=name, code="invalid_type")
    if not low <= value <= high:
        side, edge = ("above_max", high) if value > high else ("below_min", low)
        text = f"Invalid '{name}': integer {side.replace('_', ' ')}imum value. Expected {edge}, but got {value}."
        raise invalid(text, param=name, code=f"integer_{side}_value")
    return value


def _effort(body: Mapping[str, Any]) -> float:
    effort = body.get("reasoning_effort")
    if effort is None:
        return _EFFORTS["medium"]
    if effort not in _EFFORTS:
        raise _unsupported_value("reasoning_effort", str(effort))
    return _EFFORTS[effort]


def unsupported(name: str, instead: str | None = None) -> Refusal:
    """400: the model does not take this parameter."""
    text = f"Unsupported parameter: '{name}' is not supported with this model."
    return invalid(text + (f" Use '{instead}' instead." if instead else ""), param=name, code="unsupported_parameter")


def _unsupported_value(name: str, value: str) -> Refusal:
    text = f"Unsupported value: '{name}' does not support '{value}' with this model."
    return invalid(text, param=name, code="unsupported_value")
