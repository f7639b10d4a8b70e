"""Few-shot examples: training respondents who answered this very question and resemble the respondent.

Candidates share all `match` variables; where fewer than wanted do, the last variable is dropped, and so on down to
every training respondent with an answer. A missing value matches nothing. Nobody is an example for themselves. Which
candidates serve, and in which order, is drawn from (study seed, arm, question, respondent).
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from schemas.identity import canonical_json

MatchCodes = Sequence[Sequence[int | None]]
"""Per respondent: codes of the match variables, most important first; None for any kind of missing."""


class Chosen(NamedTuple):
    """Examples of one task.

    Attributes:
        positions: of the respondents that serve, in the order shown; fewer than wanted only if there are no more.
        n_matched: leading match variables they share with the respondent.
        is_relaxed: not all variables could be kept, or too few respondents answered.
    """

    positions: tuple[int, ...]
    n_matched: int
    is_relaxed: bool


@dataclass(frozen=True)
class MatchKeys:
    """Number of the shared prefix of match codes, per level and respondent; -1 where a value is missing."""

    by_level: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, codes: MatchCodes, n_variables: int) -> "MatchKeys":
        """Keys of every prefix length 0..n_variables; equal keys within a level mean equal codes."""
        return cls(tuple(_keys_of_level(codes, level) for level in range(n_variables + 1)))


def _keys_of_level(codes: MatchCodes, level: int) -> tuple[int, ...]:
    numbers: dict[tuple[int | None, ...], int] = {}
    keys = []
    for row in codes:
        prefix = tuple(row[:level])
        keys.append(-1 if None in prefix else numbers.setdefault(prefix, len(numbers)))
    return tuple(keys)


class ExampleIndex:
    """Candidates of one question by match key: choosing costs the same for ten and for a million respondents."""

    def __init__(self, candidates: Sequence[int], keys: MatchKeys, *, wanted: int) -> None:
        """Index the candidates.

        Args:
            candidates: positions of training respondents with an answer, in an order that does not depend on the
                file's (by respondent id).
            keys: of all respondents.
            wanted: examples per task.
        """
        self._keys = keys
        self._wanted = wanted
        self._members = frozenset(candidates)
        self._pools: list[dict[int, list[int]]] = [{} for _ in keys.by_level]
        for keys_of_level, pools in zip(keys.by_level, self._pools, strict=True):
            for position in candidates:
                if keys_of_level[position] >= 0:
                    pools.setdefault(keys_of_level[position], []).append(position)

    def choose(self, position: int, *, seed: Sequence[str | int]) -> Chosen:
        """Examples for the respondent at `position`; equal seeds give equal examples."""
        n_self = 1 if position in self._members else 0
        n_levels = len(self._keys.by_level)
        for level in range(n_levels - 1, -1, -1):
            pool = self._pools[level].get(self._keys.by_level[level][position], [])
            if len(pool) - n_self >= self._wanted or level == 0:
                positions = _draw(pool, position, self._wanted, seed)
                is_relaxed = level < n_levels - 1 or len(positions) < self._wanted
                return Chosen(positions, level, is_relaxed)
        raise AssertionError("level 0 matches everyone")


def _draw(pool: Sequence[int], excluded: int, n: int, seed: Sequence[str | int]) -> tuple[int, ...]:
    """`n` members of the pool but `excluded`, each order equally likely: the start of a seeded shuffle."""
    moved: dict[int, int] = {}
    drawn: list[int] = []
    for step, number in zip(range(len(pool)), _numbers(seed), strict=False):
        at = step + number % (len(pool) - step)
        member = pool[moved.get(at, at)]
        moved[at] = moved.get(step, step)
        if member != excluded:
            drawn.append(member)
        if len(drawn) == n:
            break
    return tuple(drawn)


def _numbers(seed: Sequence[str | int]) -> Iterator[int]:
    """Endless 64-bit numbers: a draw among a million is uneven by less than 1e-13."""
    start = hashlib.sha256(canonical_json([str(part) for part in seed]).encode())
    for block in count():
        hasher = start.copy()
        hasher.update(block.to_bytes(8, "big"))
        yield from struct.unpack(">4Q", hasher.digest())
