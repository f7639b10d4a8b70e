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

    Texts of the form `question / option` give the part after the last ` / `; others lose what all have in
    common up to the last punctuation mark. A single text without ` / ` stays as it is.
    """
    if texts and all(" / " in text for text in texts):
        return [text.rsplit(" / ", 1)[1].strip() for text in texts]
    if len(set(texts)) < 2:
        return [text.strip() for text in texts]
    shared = _SEPARATED.match(_common_beginning(texts))
    start = shared.end() if shared else 0
    return [text[start:].strip() for text in texts]


def shared_text(texts: Sequence[str]) -> str:
    """The question that all texts of a multiple-response group begin with, "" if there is none."""
    beginnings = {text.rsplit(" / ", 1)[0].strip() for text in texts if " / " in text}
    if len(beginnings) == 1:
        return beginnings.pop()
    shared = _SEPARATED.match(_common_beginning(texts)) if len(set(texts)) > 1 else None
    return shared.group().strip(" /:;-–—") if shared else ""


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    n_equal = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:n_equal]
