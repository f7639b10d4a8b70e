"""What the base model can see in a conversation: who is asked, what, with which options, and how to answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulator.answering import tokens
from emulator.answering.wanted import Wanted, read_wanted

_QUESTION = "Question:"
_OPTION = re.compile(r"^\s*(?:(-?\d+|[A-Z])\.|-) +(\S.*?)\s*$")
_ANSWER_LINE = "ANSWER:"
_SHARES_WORDS = ("percent", "JSON")


_END_OF_PROMPT = " \n#->"
"""Of these the separators are made that end prompts of the older form."""


def bare_prompt(prompt: str) -> str:
    """A prompt of the older form without the separator at its end, so that its last line is the instruction."""
    return prompt.rstrip(_END_OF_PROMPT)


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation as the base model reads it.

    Attributes:
        persona: what is told of the person: lines around the question in the last user message; if there are none,
            those of earlier user messages without a question, and earlier questions with their answers; else the
            system message's.
        question: text after the last "Question:".
        codes, labels: the options, in the order shown; empty if none were found. A code is what is answered: a number,
            a letter, or after a dash the label itself.
        examples: codes given as answers in earlier turns.
        wants_shares: the last user message asks for percentages as JSON.
        wants_reason: the last user message mentions `ANSWER:`.
        texts: every message's text, in order.
        wanted: the shape of the answer.
    """

    persona: tuple[str, ...]
    question: str
    codes: tuple[str, ...]
    labels: tuple[str, ...]
    examples: tuple[str, ...]
    wants_reason: bool
    wants_shares: bool
    texts: tuple[str, ...]
    wanted: Wanted = field(default_factory=Wanted)


def read(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None = None) -> Asked:
    """The parts of a conversation that the base model's rule uses; `schema` is that of structured output."""
    texts = tuple(tokens.message_text(message) for message in messages)
    roles = [message.get("role") for message in messages]
    last_user = max((at for at, role in enumerate(roles) if role == "user"), default=-1)
    lines = texts[last_user].split("\n") if last_user >= 0 else []
    start = _question_line(lines)
    options = [match for line in lines[start + 1 :] if (match := _OPTION.match(line))]
    persona = _around(lines, start) or _earlier(texts[:last_user], roles, lines[start] if start >= 0 else "")
    if not persona:
        persona = _told("\n".join(texts[at] for at, role in enumerate(roles) if role != "user").split("\n"))
    codes = tuple(match[1] if match[1] is not None else match[2] for match in options)
    return Asked(
        persona=persona,
        question=lines[start].strip()[len(_QUESTION) :].strip() if start >= 0 else "",
        codes=codes,
        labels=tuple(match[2] for match in options),
        examples=_examples(texts, roles, codes),
        wants_reason=last_user >= 0 and _ANSWER_LINE in texts[last_user],
        wants_shares=last_user >= 0 and all(word in texts[last_user] for word in _SHARES_WORDS),
        texts=texts,
        wanted=read_wanted(lines, schema),
    )


def _question_line(lines: Sequence[str]) -> int:
    return max((at for at, line in enumerate(lines) if line.lstrip().startswith(_QUESTION)), default=-1)


def _around(lines: Sequence[str], start: int) -> tuple[str, ...]:
    """Lines before the question; else those after its options, without the last one, which says how to answer.

    Without a question, all lines but the last.
    """
    if start < 0:
        return _told(lines[:-1])
    after = [at for at, line in enumerate(lines) if at > start and _OPTION.match(line)]
    return _told(lines[:start]) or _told(lines[after[-1] + 1 : -1] if after else ())


def _earlier(texts: Sequence[str], roles: Sequence[Any], asked: str) -> tuple[str, ...]:
    """What user messages before the last one tell, and what the person answered there to other questions."""
    found: list[str] = []
    for at, (text, role) in enumerate(zip(texts, roles, strict=False)):
        if role != "user":
            continue
        lines = text.split("\n")
        start = _question_line(lines)
        if start < 0:
            found += lines[:-1]
        elif lines[start].strip() != asked.strip() and roles[at + 1 : at + 2] == ["assistant"]:
            found += lines[:start]
            found.append(f"{lines[start].strip()[len(_QUESTION) :].strip()} {texts[at + 1]}")
    return _told(found)


def _told(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines if line.strip())


def _examples(texts: Sequence[str], roles: Sequence[Any], codes: Sequence[str]) -> tuple[str, ...]:
    said = (text.strip() for text, role in zip(texts, roles, strict=True) if role == "assistant")
    return tuple(text for text in said if text in codes)
