"""Answer bodies: an answer as JSON in the shape of each profile."""

from typing import Any

from emulator.answering.answers import Answer, Choice, Usage
from emulator.answering.respondent import log_chance
from emulator.answering.token_path import Place

FINGERPRINT = "fp_emulator"
"""Start of every system_fingerprint: this is how a run knows that an emulator answered."""

_SEVERITY = {"filtered": False, "severity": "safe"}
VIOLENT = {"filtered": True, "severity": "medium"}
_DETECTION = {"filtered": False, "detected": False}
_HARMS = {"hate": _SEVERITY, "self_harm": _SEVERITY, "sexual": _SEVERITY, "violence": _SEVERITY}
PROMPT_RESULTS = {**_HARMS, "jailbreak": _DETECTION, "indirect_attack": _DETECTION}
CHOICE_RESULTS = {
    **_HARMS,
    "protected_material_code": _DETECTION,
    "protected_material_text": _DETECTION,
}
_MODEL_CREATED = 1_744_316_542


def completion(
    answer: Answer, *, answer_id: str, created: int, snapshot: str, seed: int, azure: bool, logprobs: int | None
) -> dict[str, Any]:
    """Body of a chat completion.

    Args:
        answer: what the model says and what it costs.
        answer_id: unique name of the answer.
        created: seconds since 1970.
        snapshot: the underlying model's id.
        seed: of the emulator; part of the fingerprint.
        azure: add the results of the content filter.
        logprobs: alternatives per token; None: none asked for.
    """
    body: dict[str, Any] = {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": snapshot,
        "choices": [_choice(at, choice, azure, logprobs) for at, choice in enumerate(answer.choices)],
        "usage": usage_body(answer.usage),
        "system_fingerprint": f"{FINGERPRINT}_{seed & 0xFFFFFFFF:08x}",
    }
    if azure:
        body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": PROMPT_RESULTS}]
    else:
        body["service_tier"] = "default"
    return body


def model_object(name: str, snapshot: str) -> dict[str, Any]:
    """A model of GET /models in profiles openai and azure_v1."""
    return {"id": name, "object": "model", "created": _MODEL_CREATED, "owned_by": f"emulator-{snapshot}"}


def dated_model_object(name: str, snapshot: str, *, in_prompts: bool = False) -> dict[str, Any]:
    """A model of GET /models of the dated Azure API; `in_prompts`: it takes prompts and no chats."""
    capabilities = {
        "fine_tune": False,
        "inference": True,
        "completion": in_prompts,
        "chat_completion": not in_prompts,
        "embeddings": False,
    }
    return {
        "id": name,
        "object": "model",
        "created_at": _MODEL_CREATED,
        "status": "succeeded",
        "model": snapshot,
        "capabilities": capabilities,
        "lifecycle_status": "generally-available",
        "deprecation": {"inference": _MODEL_CREATED + 3 * 31_536_000},
    }


def _choice(at: int, choice: Choice, azure: bool, logprobs: int | None) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.content,
        "refusal": choice.refusal,
        "annotations": [],
    }
    body: dict[str, Any] = {
        "index": at,
        "message": message,
        "logprobs": None if logprobs is None else _logprobs(choice, logprobs),
        "finish_reason": choice.finish_reason,
    }
    if azure:
        blocked = choice.finish_reason == "content_filter"
        body["content_filter_results"] = {**CHOICE_RESULTS, "violence": VIOLENT} if blocked else CHOICE_RESULTS
    return body


def _logprobs(choice: Choice, top: int) -> dict[str, Any]:
    return {"content": [_place(place, top) for place in choice.places], "refusal": None}


def _place(place: Place, top: int) -> dict[str, Any]:
    ranked = sorted(place.chances.items(), key=lambda item: -item[1])[:top]
    own = _token(place.token, place.chances[place.token])
    return {**own, "top_logprobs": [_token(*item) for item in ranked]}


def _token(text: str, chance: float) -> dict[str, Any]:
    return {"token": text, "logprob": log_chance(chance), "bytes": list(text.encode())}


def usage_body(usage: Usage) -> dict[str, Any]:
    """`usage` of any answer."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
