"""Comparison of two arms on the respondents both were asked about: exact McNemar, paired resampling, equivalence.

Source: evaluation specification, section 2.4.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.figures import Interval
from evaluation.inference.bootstrap import Columns, Draws, ResampledSums
from evaluation.inference.significance import holm, mcnemar_p
from evaluation.measures.measure import WEIGHTINGS
from evaluation.reading.cells import Cell

_COUNTS = ("n", "n_only_a", "n_only_b", "n10", "n01")
_PERCENTILES = [2.5, 97.5, 5.0, 95.0]


class Gap(NamedTuple):
    """Strict accuracy of an arm minus another's.

    Attributes:
        interval: 95 %.
        within: 90 %, for the test of equivalence.
    """

    value: float
    interval: Interval
    within: Interval


@dataclass(frozen=True)
class Comparison:
    """Two arms on one question; `question` None: the mean over their common questions, without tests.

    Attributes:
        n: respondents with a human answer whom both arms were asked about.
        n_only_a, n_only_b: respondents that only one of them covers.
        n10: right in `arm` only, n01: right in `arm_b` only; of the first repeat.
        p: exact McNemar; `p_holm` over all pairs and questions compared.
        gaps: weighted -> difference.
    """

    question: str | None
    arm: str
    arm_b: str
    n: int
    n_only_a: int
    n_only_b: int
    n10: int
    n01: int
    p: float
    p_holm: float
    gaps: Mapping[bool, Gap]

    def is_equivalent(self, points: float, *, weighted: bool) -> bool:
        """The 90 % interval lies within so many points of 0 (two one-sided tests at 5 %)."""
        within = self.gaps[weighted].within
        return within.low > -points / 100 and within.high < points / 100


class _Ground(NamedTuple):
    """Respondents that both cover, and how many only one does."""

    respondents: IntArray
    key: bytes
    n_only_a: int
    n_only_b: int


def compare(cells: Mapping[tuple[str, str], Cell], pairs: Sequence[tuple[str, str]], draws: Draws) -> list[Comparison]:
    """Compare pairs of arms on every question that both have, and in the mean over these questions.

    Args:
        cells: (question, arm) -> cell.
        pairs: arms, first minus second.
        draws: the same for all pairs.
    """
    asked = list(dict.fromkeys(question for question, _ in cells))
    both = [(q, a, b) for a, b in pairs for q in asked if (q, a) in cells and (q, b) in cells]
    scored = {key: _first_repeat(cell) for key, cell in cells.items()}
    columns, grounds = Columns(draws.n_respondents), {}
    for q, a, b in both:
        ground = _ground(scored[(q, a)], scored[(q, b)])
        if not ground.respondents.size:
            continue
        grounds[(q, a, b)] = ground
        for arm in (a, b):
            _add(columns, cells[(q, arm)], q, arm, ground)
    drawn, observed = columns.resampled(draws), columns.summed()
    sums = _Sums(observed, drawn, draws.method)
    found = list(_by_question(scored, grounds, sums))
    return [*_with_holm(found), *_means(found, grounds, sums)]


class _Scored(NamedTuple):
    """One row a respondent: whether the prediction is right."""

    respondent: IntArray
    right: BoolArray


def _first_repeat(cell: Cell) -> _Scored:
    eligible = cell.eligible
    respondent, first = np.unique(cell.respondent[eligible], return_index=True)
    right = cell.valid & (cell.answer == cell.truth)
    return _Scored(respondent, right[eligible][first])


def _ground(a: _Scored, b: _Scored) -> _Ground:
    common = np.intersect1d(a.respondent, b.respondent, assume_unique=True)
    key = blake2b(common.tobytes(), digest_size=16).digest()
    return _Ground(common, key, a.respondent.size - common.size, b.respondent.size - common.size)


def _add(columns: Columns, cell: Cell, question: str, arm: str, ground: _Ground) -> None:
    if ("right", question, arm, ground.key, True) in columns:
        return
    inside = np.zeros(columns.n_respondents, dtype=np.bool_)
    inside[ground.respondents] = True
    kept = cell.eligible & inside[cell.respondent]
    right = kept & (cell.answer == cell.truth)
    for weighted in WEIGHTINGS:
        mass = cell.mass(weighted=weighted)
        columns.add(("right", question, arm, ground.key, weighted), cell.respondent, mass * right)
        columns.add(("eligible", question, ground.key, weighted), cell.respondent, mass * kept)


class _Sums(NamedTuple):
    observed: ResampledSums
    drawn: ResampledSums
    method: str

    def gap(self, question: str, a: str, b: str, ground: _Ground, *, weighted: bool) -> tuple[float, FloatArray]:
        def of(sums: ResampledSums) -> FloatArray:
            right = [sums[("right", question, arm, ground.key, weighted)] for arm in (a, b)]
            eligible = sums[("eligible", question, ground.key, weighted)]
            gap: FloatArray = np.full(eligible.shape, np.nan)
            np.divide(right[0] - right[1], eligible, out=gap, where=eligible > 0)
            return gap

        return float(of(self.observed)[0]), of(self.drawn)

    def around(self, value: float, drawn: FloatArray) -> Gap:
        drawn = drawn[np.isfinite(drawn)]
        if not drawn.size:
            drawn = np.array([np.nan])
        low, high, low90, high90 = (float(x) for x in np.percentile(drawn, _PERCENTILES))
        return Gap(value, Interval(low, high, self.method), Interval(low90, high90, f"90 %: {self.method}"))


def _by_question(
    scored: Mapping[tuple[str, str], _Scored], grounds: Mapping[tuple[str, str, str], _Ground], sums: _Sums
) -> Iterator[Comparison]:
    for (q, a, b), ground in grounds.items():
        right = [_on(scored[(q, arm)], ground) for arm in (a, b)]
        n10, n01 = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
        gaps = {w: sums.around(*sums.gap(q, a, b, ground, weighted=w)) for w in WEIGHTINGS}
        p = mcnemar_p(n10, n01)
        sizes = (ground.respondents.size, ground.n_only_a, ground.n_only_b)
        yield Comparison(q, a, b, *sizes, n10, n01, p, p, gaps)


def _on(scored: _Scored, ground: _Ground) -> BoolArray:
    right: BoolArray = scored.right[np.searchsorted(scored.respondent, ground.respondents)]
    return right


def _with_holm(found: Sequence[Comparison]) -> list[Comparison]:
    adjusted = holm([c.p for c in found])
    return [replace(c, p_holm=float(p)) for c, p in zip(found, adjusted, strict=True)]


def _means(
    found: Sequence[Comparison], grounds: Mapping[tuple[str, str, str], _Ground], sums: _Sums
) -> Iterator[Comparison]:
    """Mean difference over the questions of a pair, with equal weight."""
    for a, b in dict.fromkeys((c.arm, c.arm_b) for c in found):
        own = [c for c in found if (c.arm, c.arm_b) == (a, b)]
        gaps = {}
        for weighted in WEIGHTINGS:
            parts = [sums.gap(str(c.question), a, b, grounds[(str(c.question), a, b)], weighted=weighted) for c in own]
            drawn: FloatArray = np.mean([d for _, d in parts], axis=0)
            gaps[weighted] = sums.around(float(np.mean([v for v, _ in parts])), drawn)
        n, only_a, only_b, n10, n01 = (sum(getattr(c, name) for c in own) for name in _COUNTS)
        yield Comparison(None, a, b, n, only_a, only_b, n10, n01, 1.0, 1.0, gaps)
