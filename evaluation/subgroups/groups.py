"""Groups of respondents: the declared subgroups and their intersections, with the rule for small cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.arrays import IntArray
from evaluation.reading.cells import MISSING_CODE, RunData

SUPPRESSED_BELOW = 30
"""A group with fewer respondents is never shown: its figures would be noise, and might point at people."""

SUPPRESSED = f"fewer than {SUPPRESSED_BELOW} respondents: suppressed"

GroupKey = tuple[tuple[str, int | None], ...]
"""Variable and code, one pair a variable; None is any kind of missing."""


@dataclass(frozen=True)
class Grouping:
    """One variable, or several crossed.

    Attributes:
        variables: in the order declared.
        keys: groups, by codes ascending, missing last.
        group: index into `keys` of each respondent, shape (R,).
    """

    variables: tuple[str, ...]
    keys: Sequence[GroupKey]
    group: IntArray

    @property
    def name(self) -> str:
        """Variables joined, as in the level of a gap."""
        return " x ".join(self.variables)


def groupings_of(run: RunData) -> list[Grouping]:
    """Every declared subgroup variable, then every declared intersection."""
    alone = [(name,) for name in run.settings.subgroups]
    return [grouping(run, names) for names in [*alone, *map(tuple, run.settings.intersections)]]


def grouping(run: RunData, variables: tuple[str, ...]) -> Grouping:
    """Respondents by the codes of some subgroup variables."""
    codes = np.column_stack([run.groups[name] for name in variables])
    ranked = np.where(codes == MISSING_CODE, np.iinfo(np.int64).max, codes)
    levels, group = np.unique(ranked, axis=0, return_inverse=True)
    keys = [tuple((name, _code(c)) for name, c in zip(variables, row, strict=True)) for row in levels]
    return Grouping(variables, keys, np.asarray(group, dtype=np.int64).ravel())


def is_missing(key: GroupKey) -> bool:
    """A group of people who did not say: a row of its own, never one end of a gap."""
    return any(code is None for _, code in key)


def _code(ranked: np.int64) -> int | None:
    return None if ranked == np.iinfo(np.int64).max else int(ranked)
