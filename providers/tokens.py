"""Token counts of texts and messages, by model id."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from providers.vocabulary import EncodingName, load_encoding

CHAT_OVERHEAD = 3
"""Tokens around each message: start, separator, end.

Source: OpenAI cookbook, "How to count tokens with tiktoken", num_tokens_from_messages: 3 a message, 1 for a name,
3 for the opened reply; the role's own tokens come on top. Read 2026-11-22.
"""
NAME_OVERHEAD = 1
REPLY_PRIMING = 3
"""Tokens that open the reply, once per request."""

UNKNOWN_MARGIN = 0.2
"""Share by which a count may be short when the model's vocabulary is not known."""

_CACHED_TEXTS = 32_768
_KNOWN: tuple[tuple[re.Pattern[str], EncodingName], ...] = (
    (re.compile(r"(chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|gpt-oss|o[134])(?![0-9a-z])"), "o200k_base"),
    (re.compile(r"(gpt-4|gpt-3\.5|gpt-35|babbage-002|davinci-002)(?![0-9a-z.])"), "cl100k_base"),
)


class ModelEncoding(NamedTuple):
    """The vocabulary of a model and how far a count with it may be short (share, 0 if the vocabulary is known)."""

    name: EncodingName
    margin: float


def encoding_of(model_id: str) -> ModelEncoding:
    """The vocabulary of a model id, snapshots and tuned models included; unknown ids get o200k and a margin."""
    base = model_id.lower().removeprefix("ft:")
    for pattern, name in _KNOWN:
        if pattern.match(base):
            return ModelEncoding(name, 0.0)
    return ModelEncoding("o200k_base", UNKNOWN_MARGIN)


class TokenCounter:
    """Counts tokens the way one model does. Repeated texts are counted once per process."""

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id
        self._encoding, self.margin = encoding_of(model_id)

    def count(self, text: str) -> int:
        """Tokens of a text, without the margin. Text that spells a special token counts as ordinary text."""
        return _count(self._encoding, text)

    def exact_chat_tokens(self, messages: Iterable[Mapping[str, str]]) -> int:
        """Prompt tokens of a message list, each with `role`, `content` and perhaps `name`; without the margin."""
        total = REPLY_PRIMING
        for message in messages:
            total += CHAT_OVERHEAD + sum(self.count(value) for value in message.values())
            total += NAME_OVERHEAD if "name" in message else 0
        return total


@lru_cache(maxsize=_CACHED_TEXTS)
def _count(encoding: EncodingName, text: str) -> int:
    return len(load_encoding(encoding).encode_ordinary(text))
