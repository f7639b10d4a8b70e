"""Which prompts start like an earlier one: the cached tokens of the services' prompt caching.

Source: Microsoft Learn, "Prompt caching" (read 2026-11-22): from 1,024 identical leading tokens, then steps of 128.
Tokens are taken as four characters here, which never calls more cached than the prompt has.
"""

from collections.abc import Iterable

_FIRST_TOKENS = 1024
_STEP_TOKENS = 128
_CHARACTERS = 4


class PromptCache:
    """Remembers prefixes for as long as the process lives."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def cached_tokens(self, texts: Iterable[str], prompt_tokens: int) -> int:
        """Leading tokens that an earlier prompt shared; remembers this one."""
        whole = "\x1e".join(texts)
        cached = 0
        for length in range(_FIRST_TOKENS, prompt_tokens + 1, _STEP_TOKENS):
            if length * _CHARACTERS > len(whole):
                break
            key = hash(whole[: length * _CHARACTERS])
            cached = length if key in self._seen else cached
            self._seen.add(key)
        return cached
