"""A request to /completions: checked as the services do, and read like a chat of one message.

Source: OpenAI and Azure OpenAI, description of completions (read 2026-11-22). Not confirmed by a source: the texts of
the refusals.
"""

from collections.abc import Mapping
from typing import Any

from emulator.answering.prompt import bare_prompt
from emulator.wire.parameters import MAX_CHOICES, Order, check_number, read_stops, unsupported, whole
from emulator.wire.refusals import invalid

MOST_LOGPROBS = 5
DEFAULT_TOKENS = 16
_REFUSED = ("messages", "max_completion_tokens", "top_logprobs", "response_format", "reasoning_effort", "tools")
_NOT_SERVED = ("stream", "echo", "suffix")


def read_prompt_order(body: Mapping[str, Any]) -> Order:
    """Check a request body.

    Raises:
        Refusal: 400 with the service's own body.
    """
    for name in _REFUSED:
        if body.get(name) is not None:
            raise invalid(f"Unrecognized request argument supplied: {name}", param=None, code=None)
    for name in _NOT_SERVED:
        if body.get(name):
            raise unsupported(name)
    for name, low, high in (("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0)):
        check_number(body, name, low, high)
    prompt, n = _prompt(body), whole(body, "n", 1, MAX_CHOICES, default=1)
    if whole(body, "best_of", 1, 20, default=n) < n:
        raise invalid("You requested that the server return more choices than it will generate.", param=None, code=None)
    return Order(
        messages=[{"role": "user", "content": bare_prompt(prompt)}],
        max_tokens=whole(body, "max_tokens", 1, 10_000_000, default=DEFAULT_TOKENS),
        temperature=1.0 if body.get("temperature") is None else float(body["temperature"]),
        n=n,
        seed=body.get("seed") if isinstance(body.get("seed"), int) else None,
        effort=0.0,
        top_logprobs=None if body.get("logprobs") is None else whole(body, "logprobs", 0, MOST_LOGPROBS, default=0),
        stops=read_stops(body),
        prompt=prompt,
    )


def _prompt(body: Mapping[str, Any]) -> str:
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        text = "This emulator takes one prompt, a string."
        raise invalid(text, param="prompt", code="invalid_type")
    return prompt
