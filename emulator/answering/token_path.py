"""An answer token by token: at each place what could have stood there, given what stands before it.

All of it follows from the probabilities of whole answers: those that begin alike are told apart at the token where
they part. A service says no more than that either, which is why codes of several tokens are hard to read from it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from emulator.answering import tokens

ENDS = "<|endoftext|>"
"""Token of an answer that ends where others go on."""
Cut = Callable[[str], Sequence[str]]


class Place(NamedTuple):
    """One token of an answer, and what could have stood in its place: token -> probability."""

    token: str
    chances: dict[str, float]


def places(text: str, answers: Mapping[str, float], cut: Cut = tokens.pieces) -> list[Place]:
    """The places of an answer, as far as its tokens are those of a likely answer.

    Args:
        text: what was said; may be cut.
        answers: whole answer -> probability; an answer may be known by its first token only.
        cut: a text in tokens.
    """
    alive = [(cut(answer), chance) for answer, chance in answers.items()]
    found: list[Place] = []
    for at, token in enumerate(cut(text)):
        chances: dict[str, float] = {}
        for parts, chance in alive:
            there = parts[at] if at < len(parts) else ENDS
            chances[there] = chances.get(there, 0.0) + chance
        total = sum(chances.values())
        if token not in chances or total <= 0:
            break
        found.append(Place(token, {each: chance / total for each, chance in chances.items()}))
        alive = [(parts, chance) for parts, chance in alive if at < len(parts) and parts[at] == token]
    return found
