"""The body of a chat completion or completion read into a Reply: outcome, text, usage, fingerprint, logprobs."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from providers.rate_hints import NO_HINTS, RateHints
from schemas.errors import TransientModelError

Outcome = Literal["ok", "refused", "filtered", "truncated"]

_MESSAGES: dict[Outcome, tuple[str | None, str | None]] = {
    "ok": (None, None),
    "refused": ("refusal", "The model refused to answer."),
    "filtered": ("content_filter", "The service's content filter withheld the answer."),
    "truncated": ("length", "The answer reached the token limit before it ended."),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens the service billed. Cached ones are part of the prompt, reasoning ones of the completion."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a service answered to one call.

    Attributes:
        outcome: ok; refused by the model; filtered by the service; truncated at the token limit.
        text: the answer, or what there is of it; a refusal's own words; None if there is none.
        finish_reason: as reported.
        usage: None if the service did not say.
        served_model: model id the service reported.
        system_fingerprint: as reported.
        logprobs: raw object of the choice.
        latency_s: from sending to the whole answer, in seconds.
        limits: quota headers.
        error_code: reason code; None for ok.
        error_message: one sentence without prompt or answer; None for ok.
    """

    outcome: Outcome
    text: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    served_model: str | None = None
    system_fingerprint: str | None = None
    logprobs: Any = None
    latency_s: float = 0.0
    limits: RateHints = NO_HINTS
    error_code: str | None = None
    error_message: str | None = None


class UnreadableAnswerError(TransientModelError):
    """An answer arrived and was billed, but holds nothing to read. `usage` is what it cost, None if unknown."""

    def __init__(self, what: str, *, code: str, usage: Usage | None = None) -> None:
        super().__init__(what, code=code, http_status=200, maybe_paid=True)
        self.usage = usage


def read_reply(content: bytes, *, latency_s: float, limits: RateHints) -> Reply:
    """The answer in the body of a 200.

    Raises:
        UnreadableAnswerError: `malformed_response` if the body is no completion, `empty_content` if the model
            ended by itself without a word. Both were billed and are worth another try.
    """
    return read_completion(_json_object(content), latency_s=latency_s, limits=limits)


def read_completion(body: dict[str, Any], *, latency_s: float, limits: RateHints) -> Reply:
    """The answer in a completion, of a chat or of a prompt, that is already decoded.

    Raises:
        UnreadableAnswerError: as `read_reply`.
    """
    choice = _first_choice(body)
    message = choice["message"]
    usage = read_usage(body.get("usage"))
    outcome = _outcome(message, choice.get("finish_reason"))
    text = _text(message, outcome)
    if outcome == "ok" and not (text is not None and text.strip()):
        raise UnreadableAnswerError("The answer is empty.", code="empty_content", usage=usage)
    code, sentence = _MESSAGES[outcome]
    return Reply(
        outcome=outcome,
        text=text,
        finish_reason=_string(choice.get("finish_reason")),
        usage=usage,
        served_model=_string(body.get("model")),
        system_fingerprint=_string(body.get("system_fingerprint")),
        logprobs=choice.get("logprobs"),
        latency_s=latency_s,
        limits=limits,
        error_code=code,
        error_message=sentence,
    )


def read_usage(raw: object) -> Usage | None:
    """Tokens from a `usage` object; absent or null details count 0. None unless both totals are there."""
    if not isinstance(raw, dict):
        return None
    prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    cached = _detail(raw, "prompt_tokens_details", "cached_tokens")
    reasoning = _detail(raw, "completion_tokens_details", "reasoning_tokens")
    return Usage(prompt, min(cached, prompt), completion, min(reasoning, completion))


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _malformed("not JSON") from error
    if not isinstance(body, dict):
        raise _malformed("not a JSON object")
    return body


def _first_choice(body: dict[str, Any]) -> dict[str, Any]:
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise _malformed("without choices", read_usage(body.get("usage")))
    if "message" not in first and isinstance(first.get("text"), str):
        return {**first, "message": {"content": first["text"]}}
    if not isinstance(first.get("message"), dict):
        # Azure leaves the message out of a choice that its filter withheld
        if first.get("finish_reason") != "content_filter":
            raise _malformed("without a message", read_usage(body.get("usage")))
        first = {**first, "message": {}}
    return first


def _malformed(how: str, usage: Usage | None = None) -> UnreadableAnswerError:
    return UnreadableAnswerError(f"The answer is {how}.", code="malformed_response", usage=usage)


def _outcome(message: dict[str, Any], finish_reason: object) -> Outcome:
    if finish_reason == "content_filter":
        return "filtered"
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        return "refused"
    return "truncated" if finish_reason == "length" else "ok"


def _text(message: dict[str, Any], outcome: Outcome) -> str | None:
    content = _string(message.get("content"))
    return _string(message.get("refusal")) if outcome == "refused" and not content else content


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _detail(raw: dict[str, Any], group: str, name: str) -> int:
    details = raw.get(group)
    value = details.get(name) if isinstance(details, dict) else None
    return value if isinstance(value, int) else 0
