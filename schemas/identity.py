"""Identities: canonical JSON, request and task ids, and every seeded draw.

Nothing here depends on loop order, on Python's `hash()` or on the machine.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

IDENTITY_VERSION = 1
"""Part of every request id; raised when the meaning of a field below changes."""

_ID_HEX_CHARS = 32


def canonical_json(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces, real characters, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(*parts: str | int) -> str:
    """First 32 hex characters of the SHA-256 over the parts, unambiguously joined."""
    text = canonical_json([str(part) for part in parts])
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_HEX_CHARS]


def text_digest(text: str) -> str:
    """First 32 hex characters of the SHA-256 of one text."""
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_HEX_CHARS]


def bytes_digest(data: bytes) -> str:
    """Full SHA-256 of bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def request_id(
    *,
    service: str,
    model_id: str,
    turns: Sequence[object],
    parameters: Mapping[str, Any],
    respondent_id: str | None,
    repeat: int | None,
) -> str:
    """Identity of one distinct conversation with a model.

    Args:
        service: identity of the provider and origin, or the shared `identity` of equivalent deployments.
        model_id: the model's own id or the resolved registry version, never a deployment's name.
        turns: first messages, then templates of later turns.
        parameters: every wire parameter including response format and logprobs.
        respondent_id: None for a deterministic request, which may be shared between respondents.
        repeat: None likewise.
    """
    identity = {
        "v": IDENTITY_VERSION,
        "service": service,
        "model": model_id,
        "turns": list(turns),
        "parameters": dict(parameters),
        "respondent": respondent_id,
        "repeat": repeat,
    }
    return text_digest(canonical_json(identity))


def task_id(*, study: str, arm: str, question_id: str, respondent_id: str, repeat: int) -> str:
    """Identity of one respondent x question x arm x repeat."""
    return digest("task", study, arm, question_id, respondent_id, repeat)


def call_id(request: str, turn: int = 0) -> str:
    """Journal key, client request id and Batch API custom_id of one turn."""
    return f"{request}.{turn}"


def unit_draw(*parts: str | int) -> float:
    """A number in [0, 1) that depends on the parts only."""
    raw = hashlib.sha256(canonical_json([str(part) for part in parts]).encode()).digest()
    return int.from_bytes(raw[:7], "big") / float(1 << 56)


def seed_from(*parts: str | int) -> int:
    """A 63-bit seed for a random generator that depends on the parts only."""
    raw = hashlib.sha256(canonical_json([str(part) for part in parts]).encode()).digest()
    return int.from_bytes(raw[:8], "big") >> 1
