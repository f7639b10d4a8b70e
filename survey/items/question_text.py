"""Question texts as files carry them: the variable's name stands in front, the option behind."""

import re
from collections.abc import Sequence

_LEADING_NAME = re.compile(r"^\s*([A-Za-z][\w.$#@]*?)[.:]\s+")
_SEPARATED = re.compile(r"^.*(?:[/:;?.…–—]|\s-)\s+", re.DOTALL)
_SHORTEST_STEM = 3


def without_name(name: str, text: str) -> str:
    """The text without a leading `NAME. `, where NAME is the variable's name or the beginning of it.

    `RACEMOD. What is ...` of RACEMOD_1 and `DEVICE1a. Do you ...` of DEVICE1A both lose their name. A text that
    is nothing but the name says nothing and becomes "".
    """
    text = text.strip()
    if text == name:
        return ""
    match = _LEADING_NAME.match(text)
    if match is None:
        return text
    token = match.group(1).lower()
    is_name = token == name.lower() or (len(token) >= _SHORTEST_STEM and name.lower().startswith(token))
    return text[match.end() :].strip() if is_name else text


def option_texts(texts: Sequence[str]) -> list[str]:
    """What differs between the texts of one multiple-response group: the options' own words.

    The texts lose what all have in common up to the last ` / `, else up to the last punctuation mark. A single
    text, and texts that share nothing, give the part after their last ` / `.
    """
    start = len(_shared(texts))
    if start:
        return [text[start:].strip() for text in texts]
    return [text.rsplit(" / ", 1)[-1].strip() for text in texts]


def shared_text(texts: Sequence[str]) -> str:
    """The question that all texts of a multiple-response group begin with, "" if there is none."""
    return _shared(texts).strip(" /:;-–—")


def _shared(texts: Sequence[str]) -> str:
    """The shared beginning up to and with its last ` / `, else its last punctuation mark; "" for fewer than two."""
    if len(set(texts)) < 2:
        return ""
    common = _common_beginning(texts)
    if " / " in common:
        return common[: common.rindex(" / ") + 3]
    match = _SEPARATED.match(common)
    return match.group() if match is not None else ""


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    n_equal = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:n_equal]
