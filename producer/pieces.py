"""Pieces: texts that many prompts share, escaped and counted once each.

A prompt is put together from a few pieces. JSON escapes characters one by one, so the JSON of a joined text is the
joined JSON of its pieces; tokens of a joined text are, within a token or so a seam, the sum of its pieces' tokens.
"""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """A text, how it stands inside a JSON string (without the quotes), and its tokens."""

    text: str
    escaped: str
    n_tokens: int


class Message(NamedTuple):
    """One message of a conversation; its content is the pieces without anything between them."""

    role: str
    pieces: tuple[Piece, ...]

    @property
    def content(self) -> str:
        """The text as the model reads it."""
        return "".join([piece.text for piece in self.pieces])


CountTokens = Callable[[str], int]


def piece_of(text: str, count: CountTokens) -> Piece:
    """A piece of a text; an empty one has no tokens."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return Piece(text, escaped, count(text) if text else 0)


def uncounted(_: str) -> int:
    """Counts nothing: for callers who only want the texts."""
    return 0


def plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Messages as they go over the wire."""
    return [{"role": message.role, "content": message.content} for message in messages]


def canonical_turns(messages: Sequence[Message]) -> str:
    """`schemas.identity.canonical_json` of a conversation of one turn, without escaping any text again."""
    parts = [
        '{"content":"' + "".join([piece.escaped for piece in pieces]) + '","role":"' + role + '"}'
        for role, pieces in messages
    ]
    return "[[" + ",".join(parts) + "]]"


def content_tokens(messages: Sequence[Message]) -> int:
    """Tokens of all contents, without what the chat format adds."""
    return sum([piece.n_tokens for message in messages for piece in message.pieces])
