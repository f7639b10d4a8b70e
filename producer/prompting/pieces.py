"""Pieces: texts that many prompts share, escaped and counted once each.

A prompt is put together from a few pieces. JSON escapes characters one by one, so the JSON of a joined text is the
joined JSON of its pieces; tokens of a joined text are, within a token or so a seam, the sum of its pieces' tokens.
"""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """A text, how it stands inside a JSON string (without the quotes), and its tokens.

    Attributes:
        answer_of: instead of a text, the answer that the model gives in this turn.
    """

    text: str
    escaped: str
    n_tokens: int
    answer_of: int | None = None


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


def answer_piece(turn: int) -> Piece:
    """The place of an answer that is still to come."""
    shown = f"<answer {turn + 1}>"
    return Piece(shown, shown, 0, turn)


def canonical_texts(messages: Sequence[Message]) -> str:
    """`schemas.identity.canonical_json` of messages without places of answers, without escaping any text again."""
    parts = [
        '{"content":"' + "".join([piece.escaped for piece in pieces]) + '","role":"' + role + '"}'
        for role, pieces in messages
    ]
    return "[" + ",".join(parts) + "]"


def canonical_messages(messages: Sequence[Message]) -> str:
    """The same of messages that may hold places of answers: their content is then a list of texts and turns."""
    parts = [f'{{"content":{_content(pieces)},"role":"{role}"}}' for role, pieces in messages]
    return "[" + ",".join(parts) + "]"


def _content(pieces: Sequence[Piece]) -> str:
    """A text, or where answers stand in it a list of texts and turns."""
    if all([piece.answer_of is None for piece in pieces]):
        return '"' + "".join([piece.escaped for piece in pieces]) + '"'
    return (
        "["
        + ",".join([f'"{piece.escaped}"' if piece.answer_of is None else str(piece.answer_of) for piece in pieces])
        + "]"
    )


def content_tokens(messages: Sequence[Message]) -> int:
    """Tokens of all contents, without what the chat format adds."""
    return sum([piece.n_tokens for message in messages for piece in message.pieces])
