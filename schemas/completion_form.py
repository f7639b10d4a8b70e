"""The older form of prompt and completion: how a conversation becomes one text, and what surrounds the answer.

Training files and calls use the same text, or the model is asked something else than it was trained on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

SEPARATOR = "\n\n###\n\n"
"""Ends every prompt and stands nowhere inside one."""
STOP = " END"
"""Ends every completion; a call stops at it."""


def as_prompt(messages: Sequence[Mapping[str, Any]]) -> str:
    """Messages as one text with the separator at its end; earlier answers are marked as such."""
    parts = [f"Answer: {m['content']}" if m["role"] == "assistant" else str(m["content"]) for m in messages]
    return "\n\n".join(parts) + SEPARATOR


def as_completion(answer: str) -> str:
    """An answer with the blank before it that its first token needs, and the stop mark."""
    return f" {answer}{STOP}"
