"""Request and task ids put together from text that is already canonical JSON.

Gives exactly what `schemas.identity.request_id` and `task_id` give (tests compare them), without serialising a prompt
or the constant part of an id again for every request.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from schemas.identity import IDENTITY_VERSION, canonical_json

DIGEST_BYTES = 16
"""Of a SHA-256: request ids are their 32 hex characters."""


class RequestIdentity:
    """Digests of the requests of one arm."""

    def __init__(self, *, service: str, model_id: str, parameters: Mapping[str, Any], is_deterministic: bool) -> None:
        self._is_deterministic = is_deterministic
        self._head = f'{{"model":{canonical_json(model_id)},"parameters":{canonical_json(dict(parameters))}'
        self._service = f',"service":{canonical_json(service)},"turns":'
        self._tail = f',"v":{IDENTITY_VERSION}}}'

    def digest(self, turns: str, *, respondent_id: str, repeat: int) -> bytes:
        """16 bytes whose hex is the request id.

        Args:
            turns: canonical JSON.
            respondent_id: counts only where the request is not deterministic.
            repeat: likewise.
        """
        shared = self._is_deterministic
        own = "null" if shared else str(repeat)
        whose = "null" if shared else canonical_json(respondent_id)
        text = f'{self._head},"repeat":{own},"respondent":{whose}{self._service}{turns}{self._tail}'
        return hashlib.sha256(text.encode()).digest()[:DIGEST_BYTES]


class TaskIdentity:
    """Ids of the tasks of one arm and question."""

    def __init__(self, *, study: str, arm: str, question_id: str) -> None:
        self._head = canonical_json(["task", study, arm, question_id])[:-1] + ","

    def task_id(self, respondent: str, repeat: int) -> str:
        """The id of one task; `respondent` is the respondent id as canonical JSON."""
        text = f'{self._head}{respondent},"{repeat}"]'
        return hashlib.sha256(text.encode()).hexdigest()[: 2 * DIGEST_BYTES]
