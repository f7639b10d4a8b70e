"""Answer bodies of /completions: texts, and log-probabilities in their older shape."""

from typing import Any

from emulator.answering.answers import Answer, Choice
from emulator.answering.respondent import log_chance
from emulator.wire.bodies import CHOICE_RESULTS, FINGERPRINT, PROMPT_RESULTS, VIOLENT, completion, usage_body
from emulator.wire.parameters import Order


def text_completion(
    answer: Answer, *, answer_id: str, created: int, snapshot: str, seed: int, azure: bool, logprobs: int | None
) -> dict[str, Any]:
    """Body of a completion; arguments as of `emulator.wire.bodies.completion`."""
    body: dict[str, Any] = {
        "id": answer_id,
        "object": "text_completion",
        "created": created,
        "model": snapshot,
        "choices": [_choice(at, choice, azure, logprobs) for at, choice in enumerate(answer.choices)],
        "usage": usage_body(answer.usage),
        "system_fingerprint": f"{FINGERPRINT}_{seed & 0xFFFFFFFF:08x}",
    }
    if azure:
        body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": PROMPT_RESULTS}]
    return body


def answer_body(
    order: Order, answer: Answer, *, number: str, created: int, snapshot: str, seed: int, azure: bool
) -> dict[str, Any]:
    """Body of an answer to an order, of a chat or of a prompt; `number` makes its id."""
    how: dict[str, Any] = {
        "created": created, "snapshot": snapshot, "seed": seed, "azure": azure, "logprobs": order.top_logprobs,
    }  # fmt: skip
    if order.prompt is None:
        return completion(answer, answer_id=f"chatcmpl-emulator-{number}", **how)
    return text_completion(answer, answer_id=f"cmpl-emulator-{number}", **how)


def _choice(at: int, choice: Choice, azure: bool, logprobs: int | None) -> dict[str, Any]:
    """A refusal is a text like any other here."""
    text = next((each for each in (choice.content, choice.refusal) if each is not None), "")
    body: dict[str, Any] = {
        "text": text,
        "index": at,
        "logprobs": None if logprobs is None else _logprobs(choice, logprobs),
        "finish_reason": choice.finish_reason,
    }
    if azure:
        blocked = choice.finish_reason == "content_filter"
        body["content_filter_results"] = {**CHOICE_RESULTS, "violence": VIOLENT} if blocked else CHOICE_RESULTS
    return body


def _logprobs(choice: Choice, top: int) -> dict[str, Any]:
    """The `top` likeliest tokens of each place, and the one that stands there if it is not among them."""
    offsets, at = [], 0
    for place in choice.places:
        offsets.append(at)
        at += len(place.token)
    return {
        "tokens": [place.token for place in choice.places],
        "token_logprobs": [log_chance(place.chances[place.token]) for place in choice.places],
        "top_logprobs": [
            {token: log_chance(chance) for token, chance in _listed(place.chances, place.token, top)}
            for place in choice.places
        ],
        "text_offset": offsets,
    }


def _listed(chances: dict[str, float], token: str, top: int) -> list[tuple[str, float]]:
    ranked = sorted(chances.items(), key=lambda item: -item[1])[:top]
    return ranked if any(each == token for each, _ in ranked) else [*ranked, (token, chances[token])]
