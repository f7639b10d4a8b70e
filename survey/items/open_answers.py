"""Codebooks of open questions: what is wrong with them."""

from collections.abc import Iterator, Mapping

from schemas.errors import Problem
from schemas.question import Coding
from schemas.word_codes import coded_text, folded

__all__ = ["coded_text", "coding_problems"]


def coding_problems(key: str, codebook: Mapping[int, Coding]) -> Iterator[Problem]:
    """Empty words, and words that two codes claim."""
    owner: dict[str, int] = {}
    for code, one in codebook.items():
        for word in one.words:
            plain = folded(word)
            where = f"{key}.codebook.{code}"
            if not plain.strip("* "):
                yield Problem("A word of the codebook is empty.", where, code="codebook_empty_word")
            elif owner.setdefault(plain, code) != code:
                what = f"'{word}' stands under {owner[plain]} and {code}."
                yield Problem(what, where, "Leave it under one of them.", code="codebook_word_twice")
