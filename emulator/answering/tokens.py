"""Token counts of the stand-in: a cheap approximation that is billed exactly as reported.

A text is cut the way byte-pair vocabularies cut it before they merge: runs of letters with the blank before
them, up to three digits, runs of punctuation with the line feeds after them, runs of blanks. English words are
nearly always one token, so the count comes within a few percent of the real vocabularies for English prose; other
scripts are undercounted.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_PIECE = re.compile(r" ?[^\W\d_]+| ?\d{1,3}| ?[^\s\w]+[\r\n]*|_+|\s+")
_DIGIT_PIECE = re.compile(r" ?[^\W\d_]+| ?\d| ?[^\s\w]+[\r\n]*|_+|\s+")
_PER_MESSAGE = 3
_REPLY_PRIMER = 3
_CHARACTERS_PER_TOKEN = 4


def pieces(text: str) -> list[str]:
    """The text in token-sized pieces; joined they are the text again."""
    return _PIECE.findall(text)


def digit_pieces(text: str) -> list[str]:
    """Likewise, with every digit in a piece of its own."""
    return _DIGIT_PIECE.findall(text)


def count(text: str) -> int:
    """Tokens of a text."""
    return len(_PIECE.findall(text))


def message_text(message: Mapping[str, Any]) -> str:
    """Content of a message as one text: a string, text parts joined by line feeds, or nothing."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def prompt_count(texts: Iterable[str]) -> int:
    """Tokens billed for a conversation: each text, three per message for its role, three for the reply."""
    return _REPLY_PRIMER + sum(count(text) + _PER_MESSAGE for text in texts)


def quota_estimate(texts: Iterable[str]) -> int:
    """What the quota books for the prompt on arrival: four characters to a token, rounded up.

    Source: Microsoft Learn, "Manage Azure OpenAI quota", section on rate-limit estimation (read 2026-11-22):
    the estimate is made from the character count and may differ from the billed count.
    """
    characters = sum(map(len, texts))
    return -(-characters // _CHARACTERS_PER_TOKEN)
