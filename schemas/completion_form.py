"""The older form of prompt and completion: how a conversation becomes one text, and what surrounds the answer.

Training files and calls use the same text, or the model is asked something else than it was trained on. A plan holds it
as one message of role `prompt`: what is sent, word for word, and nothing that a chat could be taken for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

SEPARATOR = "\n\n###\n\n"
"""Ends every prompt and stands nowhere inside one."""
STOP = " END"
"""Ends every completion; a call stops at it."""
BETWEEN = "\n\n"
"""Between the messages of a conversation."""
ANSWERED = "Answer: "
"""Before an earlier answer."""
PROMPT_ROLE = "prompt"
"""Role of a message that is sent as `prompt`, alone."""


def as_prompt(messages: Sequence[Mapping[str, Any]]) -> str:
    """Messages as one text with the separator at its end; earlier answers are marked as such."""
    if is_prompt(messages):
        return str(messages[0]["content"])
    parts = [f"{ANSWERED}{m['content']}" if m["role"] == "assistant" else str(m["content"]) for m in messages]
    return BETWEEN.join(parts) + SEPARATOR


def as_completion(answer: str) -> str:
    """An answer with the blank before it that its first token needs, and the stop mark."""
    return f" {answer}{STOP}"


def is_prompt(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a plan's messages are one text."""
    return len(messages) == 1 and messages[0].get("role") == PROMPT_ROLE


def asked(messages: Sequence[Mapping[str, Any]]) -> tuple[str, Any]:
    """What a request's body says: the name of the member and its value, `prompt` or `messages`."""
    return ("prompt", messages[0]["content"]) if is_prompt(messages) else ("messages", list(messages))
