"""Coding open answers by a codebook of words: the first code, in codebook order, one of whose words occurs. Pure.

The same rule codes people's texts when a survey is prepared and the model's when a run is compacted.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache


def coded_text(text: str, coding: Mapping[int, Sequence[str]]) -> int | None:
    """Code of a text, None if no word of the codebook occurs in it as a whole word."""
    plain = folded(text)
    for code, words in coding.items():
        if _pattern(tuple(words)).search(plain):
            return code
    return None


def folded(text: str) -> str:
    """Lower case without accents, blanks made single."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


@lru_cache(maxsize=1024)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """A word ending in `*` is the beginning of longer ones."""
    parts = [re.escape(folded(word.removesuffix("*"))) + (r"\w*" if word.endswith("*") else "") for word in words]
    return re.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)")
