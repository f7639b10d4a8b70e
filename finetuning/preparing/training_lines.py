"""Training lines of a plan: its own prompts with the human answers behind them. Pure."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from schemas.completion_form import as_completion, as_prompt
from schemas.tuning import TrainingForm

_ANSWERED, _NOT_LEARNED = '"role":"assistant"}', '"role":"assistant","weight":0}'
"""The end of an assistant message in canonical JSON; inside a text its quotation marks would be escaped."""


def training_line(turns: str, answer: str, form: TrainingForm, *, weights: bool = True) -> bytes:
    """One line, line feed included.

    Args:
        turns: the plan's column: a canonical JSON list with one turn in it.
        answer: as `schemas.written_answers` writes it.
        form: chat, or prompt and completion.
        weights: answers that are part of the prompt (examples, an interview) get `"weight":0`: they are not learned.

    Source: openai-openapi, FineTuneChatCompletionRequestAssistantMessage: "Controls whether the assistant message is
    trained against (0 or 1)"; without it every assistant message is. Read 2026-11-23.
    """
    if form == "chat":
        # the plan's own bytes: one turn is [[message, ...]]
        before = turns[1:-2].replace(_ANSWERED, _NOT_LEARNED) if weights else turns[1:-2]
        return f'{{"messages":{before},{_as_json(answer)}]}}\n'.encode()
    messages: list[Mapping[str, Any]] = json.loads(turns)[0]
    line = {"prompt": as_prompt(messages), "completion": as_completion(answer)}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@lru_cache(maxsize=4096)
def _as_json(answer: str) -> str:
    return f'{{"content":{json.dumps(answer, ensure_ascii=False)},"role":"assistant"}}'
