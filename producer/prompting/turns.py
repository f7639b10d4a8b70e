"""Turns: the messages of each call of a request, from what the plan says and what was answered so far. Pure.

plan.parquet holds the turns of a request as a JSON list. The first is a list of messages. Each later one is one of

    [{"role": "user", "content": ["You said: ", 0]}]   goes on: stands after the conversation so far
    {"fresh": [messages]}                              a conversation of its own
    {"again": 0}                                       the conversation of that turn once more, as it stands in the plan

A content is a text, or a list of texts and numbers; a number stands for the answer of that turn. Answers are put in
as they are: nothing in a plan or in an answer is ever run as a template.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Messages = list[dict[str, Any]]
ENDINGS_OF_A_SAMPLE = frozenset({"ok", "refused", "filtered", "truncated"})
"""After these, independent turns go on: a refused sample is one of the samples."""
ENDINGS_OF_A_STEP = frozenset({"ok"})
"""After this only, a conversation goes on."""


@dataclass(frozen=True)
class Turns:
    """The turns of one request.

    Attributes:
        first: messages of the first call.
        later: as in the module's docstring.
    """

    first: Messages
    later: tuple[Any, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> "Turns":
        """From the plan's column."""
        first, *later = json.loads(text)
        return cls(first, tuple(later))

    @property
    def n(self) -> int:
        """Calls that answer the request in full."""
        return 1 + len(self.later)

    @property
    def are_independent(self) -> bool:
        """No call sees the answer of another."""
        return bool(self.later) and all(isinstance(turn, Mapping) for turn in self.later)

    def goes_on_after(self, turn: int) -> frozenset[str]:
        """Outcomes of call number `turn` after which another call follows."""
        if turn >= self.n - 1:
            return frozenset()
        return ENDINGS_OF_A_SAMPLE if self.are_independent else ENDINGS_OF_A_STEP

    def messages(self, texts: Sequence[str]) -> Messages:
        """What is sent in call number `len(texts)`.

        Args:
            texts: answers of the earlier calls, in order; "" where there was none.

        Raises:
            IndexError: every turn has been answered.
        """
        turn = len(texts)
        if turn == 0:
            return self.first
        asked = self.later[turn - 1]
        if isinstance(asked, Mapping):
            return self._of_its_own(asked)
        said = {"role": "assistant", "content": texts[turn - 1]}
        return [*self.messages(texts[: turn - 1]), said, *(_filled(message, texts) for message in asked)]

    def _of_its_own(self, asked: Mapping[str, Any]) -> Messages:
        if "fresh" in asked:
            fresh: Messages = asked["fresh"]
            return fresh
        return self.first if asked["again"] == 0 else self._of_its_own(self.later[asked["again"] - 1])


def _filled(message: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    content = message["content"]
    if isinstance(content, str):
        return dict(message)
    return {**message, "content": "".join(part if isinstance(part, str) else texts[part] for part in content)}


def next_messages(turns: str, texts: Sequence[str]) -> Messages:
    """What is sent in the call after `texts`, from the plan's column `turns`; see `Turns.messages`."""
    return Turns.from_json(turns).messages(texts)


@dataclass(frozen=True)
class CallTokens:
    """What one call of a request is expected to take.

    Attributes:
        limit: completion tokens at most.
    """

    prompt: int
    completion: int
    limit: int


def call_tokens(turns: Turns, texts: Sequence[str], *, prompt: int, completion: int, limit: int) -> CallTokens:
    """Tokens of call number `len(texts)`, taken out of the plan's sums.

    The plan counts an answer that is not there yet as its share of the completion; texts count by their length, at
    the rate that makes the calls add up to the planned sum.

    Args:
        turns: of the request.
        texts: answers so far.
        prompt: tokens of all calls together; likewise the next two.
        completion: as expected.
        limit: completion tokens at most.
    """
    if turns.n == 1:
        return CallTokens(prompt, completion, limit)
    each, n_answers = completion // turns.n, sum(seen_answers(turns))
    known_chars = sum(map(_chars, _without_answers(turns)))
    rate = max(0, prompt - each * n_answers) / max(1, known_chars)
    return CallTokens(round(rate * _chars(turns.messages(texts))), each, limit // turns.n)


def seen_answers(turns: Turns) -> list[int]:
    """How many answers of earlier calls each call holds, as they are there when it goes out."""
    found = [0]
    for turn, asked in enumerate(turns.later):
        is_own = isinstance(asked, Mapping)
        quoted = 0 if is_own else sum(not isinstance(part, str) for m in asked for part in _parts(m["content"]))
        found.append(0 if is_own else found[turn] + 1 + quoted)
    return found


def _without_answers(turns: Turns) -> Iterator[Messages]:
    empty = [""] * turns.n
    return (turns.messages(empty[:turn]) for turn in range(turns.n))


def _parts(content: str | Sequence[object]) -> Sequence[object]:
    return [content] if isinstance(content, str) else content


def _chars(messages: Messages) -> int:
    return sum(len(message["content"]) for message in messages)
