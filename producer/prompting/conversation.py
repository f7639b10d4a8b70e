"""Conversations of one or several turns, made of pieces: their canonical JSON and the prompt tokens of their calls."""

from collections.abc import Callable
from typing import NamedTuple

from producer.prompting.pieces import Message, canonical_messages, canonical_texts, content_tokens


class Turn(NamedTuple):
    """A later turn.

    Attributes:
        messages: go on after the conversation so far, or stand alone; empty: the first conversation once more.
        is_fresh: they stand alone.
    """

    messages: tuple[Message, ...] = ()
    is_fresh: bool = False


AGAIN = Turn(is_fresh=True)
"""The first conversation once more."""


class PromptTokens(NamedTuple):
    """Estimated prompt tokens over all calls of a request, and of its largest call."""

    total: int
    largest: int


class Conversation(NamedTuple):
    """What a request says; the forms of `later` are those of `producer.prompting.turns`."""

    first: tuple[Message, ...]
    later: tuple[Turn, ...] = ()

    def canonical(self) -> str:
        """`schemas.identity.canonical_json` of the plan's `turns`, without escaping any text again."""
        first = canonical_texts(self.first)
        return f"[{first}]" if not self.later else f"[{','.join([first, *map(_canonical, self.later)])}]"

    def prompt_tokens(self, overhead: Callable[[int], int], *, each_answer: int) -> PromptTokens:
        """Tokens of all calls.

        Args:
            overhead: what the chat format adds for a number of messages.
            each_answer: expected tokens of an answer that a later call holds.
        """
        alone = content_tokens(self.first)
        content, n_messages = alone, len(self.first)
        calls = [content + overhead(n_messages)]
        if not self.later:
            return PromptTokens(calls[0], calls[0])
        for turn in self.later:
            said = content_tokens(turn.messages)
            if turn.is_fresh:
                content, n_messages = (said, len(turn.messages)) if turn.messages else (alone, len(self.first))
            else:
                content += said + each_answer * (1 + _n_quoted(turn))
                n_messages += 1 + len(turn.messages)
            calls.append(content + overhead(n_messages))
        return PromptTokens(sum(calls), max(calls))


def _canonical(turn: Turn) -> str:
    if not turn.is_fresh:
        return canonical_messages(turn.messages)
    return f'{{"fresh":{canonical_texts(turn.messages)}}}' if turn.messages else '{"again":0}'


def _n_quoted(turn: Turn) -> int:
    return sum(piece.answer_of is not None for message in turn.messages for piece in message.pieces)
