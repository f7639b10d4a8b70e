"""What the trainable model sees of a conversation: which question it is, and features of who is asked.

Every line of the persona gives its words, neighbouring words, and the line itself. A number gives its decade and
every decade below it, so that more years lean more the same way; two people of 41 and 47 share nearly everything.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from emulator.answering import prompt, tokens

_WORD = re.compile(r"[^\W\d_]+|\d+")
_LONGEST_LINE_WORDS = 12
"""A longer line is prose: as a whole it hardly comes twice."""
_LARGEST_STEP = 15


class Situation(NamedTuple):
    """A conversation as the trainable model sees it.

    Attributes:
        key: the question with its labels, in no order; without a question, the instructions.
        labels: code -> label as shown; empty without options.
        lines: what is told besides.
    """

    key: str
    labels: dict[str, str]
    lines: tuple[str, ...]


def situation(messages: Sequence[Mapping[str, Any]]) -> Situation:
    """The parts of a conversation that count."""
    asked = prompt.read(messages)
    if asked.question:
        labels = dict(zip(asked.codes, asked.labels, strict=True))
        return Situation("\x1e".join([asked.question, *sorted(asked.labels)]), labels, asked.persona)
    told = [tokens.message_text(each) for each in messages if each.get("role") in ("system", "developer")]
    rest = [tokens.message_text(each) for each in messages if each.get("role") == "user"]
    lines = [line.strip() for line in (rest[-1] if rest else "").split("\n") if line.strip()]
    return Situation("\x1e".join(told), {}, tuple(lines))


def features(lines: Sequence[str]) -> Iterator[str]:
    """Names of the features that lines have; a name may come more than once."""
    for line in lines:
        words = _WORD.findall(line.lower())
        named = [f"{word[:-1]}x" if word.isdigit() else word for word in words]
        yield from named
        yield from (f"{one} {two}" for one, two in pairwise(named))
        if len(named) <= _LONGEST_LINE_WORDS:
            yield "line " + " ".join(named)
            yield from _steps(words)


def _steps(words: Sequence[str]) -> Iterator[str]:
    place = " ".join("#" if word.isdigit() else word for word in words)
    for word in words:
        if word.isdigit() and len(word) <= 3:
            yield from (f"{place} >{step}0" for step in range(1, min(int(word) // 10, _LARGEST_STEP) + 1))
