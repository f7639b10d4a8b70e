"""Which wire parameters a model family accepts.

Source: reasoning-model guide and descriptions of chat completions and completions of OpenAI and Azure OpenAI, read
2026-11-22.
"""

import difflib
from collections.abc import Collection, Mapping
from typing import Any, TypeGuard

from schemas.completion_form import STOP
from schemas.errors import Problem
from schemas.models import Family

LIMIT_NAMES = ("max_completion_tokens", "max_tokens")
MOST_LOGPROBS = 20
"""Alternatives per token that chat completions report at most."""
COMPLETION_LOGPROBS = 5
"""Alternatives per token that `/completions` reports at most; compatible services may report more."""

_OURS = {
    "messages": "Messages come from the strategy.",
    "prompt": "The prompt comes from the strategy.",
    "model": "The wire name comes from the deployment.",
    "stream": "Answers are not streamed.",
    "stream_options": "Answers are not streamed.",
}
_ONLY_CHAT = frozenset(
    {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "max_tokens",
    }
)
_ONLY_REASONING = frozenset({"reasoning_effort", "verbosity"})
_BOTH = frozenset(
    {"max_completion_tokens", "seed", "n", "stop", "response_format", "service_tier", "store", "metadata", "user"}
    | {"prompt_cache_key", "safety_identifier", "prediction", "tools", "tool_choice", "parallel_tool_calls"}
)
_COMPLETION = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"}
    | {"max_tokens", "seed", "n", "stop", "user", "best_of", "echo", "suffix"}
)
_NO_ANSWERS = {
    "best_of": "Remove it: a request has one answer.",
    "echo": "Remove it: the prompt would be read as the answer.",
    "suffix": "Remove it: an answer has nothing behind it.",
}
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
}
_WHOLE: dict[str, tuple[int, int | None]] = {
    "max_completion_tokens": (1, None),
    "max_tokens": (1, None),
    "top_logprobs": (0, MOST_LOGPROBS),
    "n": (1, None),
}


def wire_parameters(family: Family, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What goes on the wire: the parameters as given, without those set to null; applying it twice changes nothing.

    A completion gets the stop mark of its training, unless another is given, and `logprobs` as the number that
    `/completions` takes. No other name or value is changed.

    Args:
        family: of the model.
        parameters: the model's own with the arm's over them.
    """
    sent = {name: value for name, value in parameters.items() if value is not None}
    if family != "completion":
        return sent
    shown = sent.pop("top_logprobs", COMPLETION_LOGPROBS)
    if sent.get("logprobs") is True:
        sent["logprobs"] = shown
    elif sent.get("logprobs") is False:
        del sent["logprobs"]
    return {"stop": STOP} | sent


def is_deterministic(family: Family, parameters: Mapping[str, Any]) -> bool:
    """Whether identical requests may share one answer: temperature exactly 0; never when the model reasons."""
    temperature = parameters.get("temperature")
    return family != "reasoning" and _is_number(temperature) and temperature == 0


def output_limit_tokens(parameters: Mapping[str, Any]) -> int | None:
    """The most completion tokens one answer may have, reasoning included; None if nothing bounds it."""
    for name in LIMIT_NAMES:
        value = parameters.get(name)
        if _is_whole(value):
            return value
    return None


def problems(family: Family, parameters: Mapping[str, Any], *, where: str = "") -> list[Problem]:
    """Everything a service of this family would refuse, and what it is likely to.

    Args:
        family: of the model.
        parameters: wire parameters; null means not sent.
        where: their place, put into each problem.
    """
    sent = wire_parameters(family, parameters)
    found = [problem for name, value in sent.items() for problem in _one(family, name, value, where)]
    return found + _together(family, sent, where)


def _one(family: Family, name: str, value: object, where: str) -> list[Problem]:
    if name in _OURS:
        return [Problem(f"`{name}` is not a parameter of a study.", where, _OURS[name], code="reserved_parameter")]
    if family == "completion":
        return _one_of_completion(name, value, where)
    if family == "reasoning" and name in _ONLY_CHAT:
        hint = "Use `max_completion_tokens`." if name == "max_tokens" else "Remove it."
        return [Problem(f"Reasoning models refuse `{name}`.", where, hint, code="unsupported_parameter")]
    if family == "chat" and name in _ONLY_REASONING:
        hint = "Remove it, or say `family: reasoning` if the model reasons."
        return [Problem(f"Chat models refuse `{name}`.", where, hint, code="unsupported_parameter")]
    if name not in _ONLY_CHAT | _ONLY_REASONING | _BOTH:
        return [_unknown(name, where)]
    return _value(name, value, where)


def _one_of_completion(name: str, value: object, where: str) -> list[Problem]:
    if name in _NO_ANSWERS:
        return [Problem(f"`{name}` spoils the answers.", where, _NO_ANSWERS[name], code="unsupported_parameter")]
    if name not in _COMPLETION:
        if name not in _BOTH | _ONLY_REASONING:
            return [_unknown(name, where, _COMPLETION)]
        hint = "Use `max_tokens`." if name == "max_completion_tokens" else "Remove it."
        return [Problem(f"`/completions` refuses `{name}`.", where, hint, code="unsupported_parameter")]
    return _shown(value, where) if name == "logprobs" else _value(name, value, where)


def _shown(value: object, where: str) -> list[Problem]:
    if not _is_whole(value) or not 0 <= value <= MOST_LOGPROBS:
        return [_bad("top_logprobs", f"a whole number from 0 to {MOST_LOGPROBS}", where)]
    if value > COMPLETION_LOGPROBS:
        what = (
            f"OpenAI and Azure OpenAI report {COMPLETION_LOGPROBS} alternatives of a completion at most, not {value}."
        )
        hint = "Other services may report more; else take `top_logprobs` out."
        return [Problem(what, where, hint, "warning", "doubtful_parameter")]
    return []


def _unknown(name: str, where: str, known: Collection[str] = _ONLY_CHAT | _ONLY_REASONING | _BOTH) -> Problem:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "It is sent as it is; the service may refuse it."
    return Problem(f"`{name}` is not a known parameter.", where, hint, "warning", "unknown_parameter")


def _value(name: str, value: object, where: str) -> list[Problem]:
    if name in _RANGES:
        low, high = _RANGES[name]
        if not _is_number(value) or not low <= value <= high:
            return [_bad(name, f"a number from {low:g} to {high:g}", where)]
    elif name in _WHOLE:
        least, most = _WHOLE[name]
        if not _is_whole(value) or value < least or (most is not None and value > most):
            return [_bad(name, f"a whole number from {least}" + (f" to {most}" if most is not None else " up"), where)]
    elif name == "logprobs" and not isinstance(value, bool):
        return [_bad(name, "true or false", where)]
    elif name == "reasoning_effort" and value not in _EFFORTS:
        return [_bad(name, f"one of {', '.join(_EFFORTS)}", where)]
    return []


def _together(family: Family, sent: Mapping[str, Any], where: str) -> list[Problem]:
    found = []
    if all(name in sent for name in LIMIT_NAMES) and family == "chat":
        what = "`max_tokens` and `max_completion_tokens` are the same limit."
        found.append(Problem(what, where, "Keep `max_completion_tokens`.", code="two_limits"))
    if not any(name in sent for name in LIMIT_NAMES):
        name = "max_tokens" if family == "completion" else "max_completion_tokens"
        hint = f"Set `{name}`: quotas and the cost estimate count it."
        found.append(Problem("No token limit is set.", where, hint, "warning", "no_token_limit"))
    if "top_logprobs" in sent and sent.get("logprobs") is not True and family == "chat":
        found.append(Problem("`top_logprobs` needs `logprobs: true`.", where, code="needs_logprobs"))
    if _is_whole(sent.get("n")) and sent["n"] > 1:
        what = "`n` must be 1: a request has one answer."
        found.append(Problem(what, where, "Remove it.", code="unsupported_value"))
    if family == "reasoning" and "stop" in sent:
        what = "Some reasoning models refuse `stop`."
        found.append(Problem(what, where, "Remove it.", "warning", "doubtful_parameter"))
    return found


def _bad(name: str, wanted: str, where: str) -> Problem:
    return Problem(f"`{name}` must be {wanted}.", where, code="unsupported_value")


def _is_number(value: object) -> TypeGuard[float]:
    # YAML's true is an int in Python and would pass as temperature 1
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
