"""Beginnings and endings that most prompts, or nearly all answers, of a file share: paid for and nothing learned. Pure.

A fixed number of examples is looked at, drawn at random with a seed, so that a file of any size costs the same.

Source: what the services' first preparation tool reported of prompts and completions, and advised to take out
(openai-python 0.x, `openai tools fine_tunes.prepare_data`). Read 2026-11-23.
"""

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from finetuning.checking.file_lines import Example, bare_answer
from schemas.completion_form import SEPARATOR
from schemas.errors import Problem

SAMPLED = 2_000
LEAST_PROMPT_CHARS = 100
LEAST_ANSWER_CHARS = 5
_LONGEST_LOOKED_AT = 8_000
_LONGEST_SEPARATOR = 20
_MOST_PROMPTS = (1.0, 0.9, 0.75, 0.5)
_NEARLY_ALL = (1.0, 0.95)
_SEED = 42
_NOUN = {"begin": "beginning", "end": "ending"}
_SHORTEN = "Shorten it in the study, so that training and asking stay alike, not in this file alone."
_OF_PROMPTS = {
    "begin": "It teaches nothing, and every epoch and every later call pays for it; services charge less for a "
    f"beginning that is cached. {_SHORTEN}",
    "end": "Where the file asks one question only, that is the question, and needed. Otherwise every epoch and every "
    f"later call pays for it. {_SHORTEN}",
}
_LAST_WORD = re.compile(r"\w+$")


class Shared(NamedTuple):
    """A text at the beginning, or the end, of several others.

    Attributes:
        share: of the texts that have it.
        at: position of one of them.
    """

    text: str
    share: float
    at: int


class _Taken(NamedTuple):
    line: int
    prompt: str
    prompt_end: str
    answer: str
    is_chat: bool


class TextSample:
    """Examples drawn from a file of unknown length, each as likely as any other."""

    def __init__(self) -> None:
        self._rng = random.Random(_SEED)  # noqa: S311 - no secret
        self._taken: list[_Taken] = []
        self._n = 0

    def offer(self, example: Example) -> None:
        """Take an example in, or not."""
        self._n += 1
        if len(self._taken) < SAMPLED:
            self._taken.append(_taken(example))
        elif (place := int(self._rng.random() * self._n)) < SAMPLED:
            self._taken[place] = _taken(example)

    def problems(self, name: str, count: Callable[[str], int], *, mean_tokens: float) -> Iterator[Problem]:
        """What many texts share, with its size and what it means; the texts themselves are not repeated.

        Args:
            name: of the file.
            count: tokens of a text.
            mean_tokens: of a line.
        """
        prompts = [one.prompt for one in self._taken]
        if len(set(prompts)) > 1:
            yield from self._prompts(name, prompts, count, mean_tokens)
            yield from self._own_separator(name)
        answers = [one.answer for one in self._taken]
        if len(set(answers)) > 1:
            for word, turned in (("begin", False), ("end", True)):
                texts = [one[::-1] for one in answers] if turned else answers
                found = _frame(texts)
                if found is not None:
                    yield self._of_answers(name, word, found, is_json=answers[found.at].startswith("{"))

    def _prompts(
        self, name: str, prompts: Sequence[str], count: Callable[[str], int], mean_tokens: float
    ) -> Iterator[Problem]:
        ends = [one.prompt_end for one in self._taken]
        for word, texts, turned in (("begin", prompts, False), ("end", ends, True)):
            found = shared_beginning(texts, _MOST_PROMPTS)
            if found is None or len(found.text) < LEAST_PROMPT_CHARS:
                continue
            tokens = count(found.text[::-1] if turned else found.text)
            part = min(1.0, tokens * found.share / mean_tokens) if mean_tokens else 0.0
            what = (
                f"{found.share:.0%} of the prompts {word} with the same {_chars(found.text)} ({tokens:,} tokens each, "
                f"about {part:.0%} of all that is paid for)."
            )
            where = f"{name}:{self._taken[found.at].line}"
            yield Problem(what, where, _OF_PROMPTS[word], "note", f"common_prompt_{_NOUN[word]}")

    def _own_separator(self, name: str) -> Iterator[Problem]:
        ends = [one.prompt_end for one in self._taken if not one.is_chat]
        found = shared_beginning(ends, (1.0,)) if ends else None
        if found is None or found.text.startswith(SEPARATOR[::-1]):
            return
        if 1 < len(found.text) <= _LONGEST_SEPARATOR:
            what = f"all prompts end in the same {_chars(found.text)}, not in nightpoll's separator."
            hint = (
                "If they are a separator, keep them only for a model that is asked with them elsewhere; runs here ask "
                "with nightpoll's own. `--fix` puts it behind each prompt."
            )
            yield Problem(what, name, hint, "note", "other_separator")

    def _of_answers(self, name: str, word: str, found: Shared, *, is_json: bool) -> Problem:
        what = f"{found.share:.0%} of the answers {word} with the same {_chars(found.text)}."
        hint = (
            "That is the frame of a JSON answer: needed if the arm asks for JSON, wasted otherwise."
            if is_json
            else "The model learns nothing from it, and every call pays for it as output: take it out of the answers, "
            "and put it back where they are read."
        )
        where = f"{name}:{self._taken[found.at].line}"
        return Problem(what, where, hint, "note" if is_json else "warning", f"common_answer_{_NOUN[word]}")


def shared_beginning(texts: Sequence[str], shares: Sequence[float]) -> Shared | None:
    """Of the longest beginnings common to each of these shares of the texts at least, the one that saves most.

    Args:
        texts: in any order; at least one.
        shares: in (0, 1].

    Returns:
        None if no text begins like the others.
    """
    order = sorted(range(len(texts)), key=texts.__getitem__)
    found = []
    for share in shares:
        text, at = _longest(texts, order, max(1, math.ceil(share * len(texts))))
        if text:
            found.append(Shared(text, sum(other.startswith(text) for other in texts) / len(texts), at))
    return max(found, key=lambda one: len(one.text) * one.share, default=None)


def _longest(texts: Sequence[str], order: Sequence[int], together: int) -> tuple[str, int]:
    """The longest beginning of so many texts, which stand side by side when sorted; and where one of them is."""
    best, at = "", 0
    for first, last in zip(order, order[together - 1 :], strict=False):
        low, high = texts[first], texts[last]
        if len(low) > len(best) and low[: len(best) + 1] == high[: len(best) + 1]:
            best, at = low[: _common_length(low, high)], first
    return best, at


def _common_length(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _frame(texts: Sequence[str]) -> Shared | None:
    """What stands around nearly all answers in whole words; labels may well begin with the same letters."""
    found = shared_beginning(texts, _NEARLY_ALL)
    if found is None:
        return None
    text = _LAST_WORD.sub("", found.text)
    bare = {one[len(text) :] for one in texts if one.startswith(text)}
    is_frame = len(text) >= LEAST_ANSWER_CHARS and len(bare) > 1 and "" not in bare
    return found._replace(text=text) if is_frame else None


def _chars(text: str) -> str:
    return f"{len(text):,} characters"


def _taken(example: Example) -> _Taken:
    prompt = "\n".join(example.prompt)
    end = prompt[: -_LONGEST_LOOKED_AT - 1 : -1]
    return _Taken(
        example.line, prompt[:_LONGEST_LOOKED_AT], end, bare_answer(example)[:_LONGEST_LOOKED_AT], example.is_chat
    )
