"""Labels that read like a missing answer, in the words public survey files use."""

import re
from typing import NamedTuple

from schemas.study import MissingKind


class LabelPattern(NamedTuple):
    """Words in a label and the kind of missing they stand for."""

    kind: MissingKind
    words: re.Pattern[str]


def _pattern(kind: MissingKind, words: str) -> LabelPattern:
    return LabelPattern(kind, re.compile(words, re.IGNORECASE))


PATTERNS: tuple[LabelPattern, ...] = (
    _pattern("refused", r"\brefus(?:ed|al|es)?\b|web blank|\bno answer\b|left blank|prefer not to (?:say|answer)"),
    _pattern(
        "refused",
        r"\bskipped\b|\bdid not answer\b|\bdeclined to\b|keine angabe|no contesta|non[ -]réponse|^k\.? ?a\.?$",
    ),
    _pattern(
        "dont_know", r"\b(?:don['’]?t|do not|doesn['’]?t) know\b|\bdk\b|wei(?:ß|ss) nicht|\bno sabe\b|ne sait pas"
    ),
    _pattern("not_asked", r"\bnot asked\b|\binapplicable\b|\bnot applicable\b|\bnot administered\b|^inap\b"),
    _pattern("file_missing", r"^\W*(?:system )?missing\b|\bnot ascertained\b|\bnot available\b"),
)
"""First match wins: `Don't know/Refused/Web blank` counts as refused. `Not sure` is no match: it is often offered."""


def missing_kind(label: str) -> MissingKind | None:
    """The kind of missing that a label reads like, None if it reads like an answer."""
    for kind, words in PATTERNS:
        if words.search(label):
            return kind
    return None
