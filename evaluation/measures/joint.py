"""Joint structure: do synthetic answers hang together, and depend on who people are, as much as human ones?

Source: evaluation specification, section 2.2; signed gaps of Cramer's V. A positive gap with a persona field is
stereotyping: the predictions depend on it more than people do.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evaluation.arrays import FloatArray, IntArray
from evaluation.figures import BASELINE, LOGIT, MetricRow, figure
from evaluation.measures.measure import WEIGHTINGS
from evaluation.reading.cells import ABSENT, Cell, RunData
from evaluation.rivals.features import binned
from evaluation.scoring import SplitScores

CONSTANT = "one side is constant"
QUESTIONS, FIELDS = "questions", "fields"


class Joint(NamedTuple):
    """Association of two variables among the same people: by their own answers and by the predicted ones."""

    question: str
    other: str
    kind: str
    human: float
    synthetic: float
    n: int

    @property
    def gap(self) -> float:
        """Synthetic minus human; NaN where one of them is undefined."""
        return self.synthetic - self.human


def association(a: IntArray, b: IntArray, mass: FloatArray) -> float:
    """Cramer's V of two columns of positions, 0..1, levels not in use left out; NaN if a side is constant."""
    if not a.size:
        return math.nan
    table = np.bincount(a * (b.max() + 1) + b, weights=mass, minlength=(a.max() + 1) * (b.max() + 1))
    table = table.reshape(a.max() + 1, b.max() + 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    smaller = min(table.shape)
    if smaller < 2:
        return math.nan
    shares = table / table.sum()
    expected = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    return math.sqrt(max(0.0, float((shares**2 / expected).sum()) - 1) / (smaller - 1))


def joint_rows(scores: SplitScores) -> list[MetricRow]:
    """Gaps of every question with every other and with every persona field, and their means and extremes by arm."""
    arms = dict.fromkeys(arm for _, arm in scores.cells if arm == LOGIT or not arm.startswith(BASELINE))
    fields = _positions(scores.run)
    rows: list[MetricRow] = []
    for arm in arms:
        cells = {q: s.measured.cell for (q, name), s in scores.cells.items() if name == arm}
        for weighted in WEIGHTINGS:
            found = list(joints(cells, fields, len(scores.run.respondent_ids), weighted=weighted))
            rows += _rows(scores.split, arm, found, weighted)
    return rows


def joints(
    cells: Mapping[str, Cell], fields: Mapping[str, IntArray], n_respondents: int, *, weighted: bool
) -> Iterator[Joint]:
    """Associations of one arm over respondents who have both human answers and both predictions.

    Args:
        cells: question -> cell of the arm.
        fields: field -> position per respondent, shape (R,).
        n_respondents: R.
        weighted: use survey weights.
    """
    wide = {q: _wide(cell, n_respondents, weighted=weighted) for q, cell in cells.items()}
    names = list(wide)
    for i, q in enumerate(names):
        one = wide[q]
        for other in names[i + 1 :]:
            two = wide[other]
            rows = np.flatnonzero(one.there & two.there)
            human = association(one.truth[rows], two.truth[rows], one.mass[rows])
            synthetic = association(one.answer[rows], two.answer[rows], one.mass[rows])
            yield Joint(q, other, QUESTIONS, human, synthetic, rows.size)
        rows = np.flatnonzero(one.there)
        for name, position in fields.items():
            human = association(position[rows], one.truth[rows], one.mass[rows])
            synthetic = association(position[rows], one.answer[rows], one.mass[rows])
            yield Joint(q, name, FIELDS, human, synthetic, rows.size)


class _Wide(NamedTuple):
    """First repeat of each respondent, shape (R,)."""

    there: np.ndarray
    truth: IntArray
    answer: IntArray
    mass: FloatArray


def _wide(cell: Cell, n: int, *, weighted: bool) -> _Wide:
    respondent, first = np.unique(cell.respondent, return_index=True)
    truth, answer = np.full(n, ABSENT, dtype=np.int64), np.full(n, ABSENT, dtype=np.int64)
    truth[respondent], answer[respondent] = cell.truth[first], cell.answer[first]
    mass = np.zeros(n)
    mass[respondent] = (cell.mass(weighted=weighted) / cell.unit)[first]
    return _Wide((truth != ABSENT) & (answer != ABSENT), truth, answer, mass)


def _positions(run: RunData) -> dict[str, IntArray]:
    """Persona fields and subgroup variables as positions; quantities in at most ten groups; missing is a level."""
    found = {}
    for name, codes in {**run.groups, **run.fields}.items():
        levels = binned(codes) if name in run.numeric_fields else codes
        found[name] = np.asarray(np.unique(levels, return_inverse=True)[1], dtype=np.int64)
    return found


def _rows(split: str, arm: str, found: Sequence[Joint], weighted: bool) -> Iterator[MetricRow]:
    for one in found:
        values = {"joint_v_human": one.human, "joint_v_synthetic": one.synthetic, "joint_gap": one.gap}
        for metric, value in values.items():
            yield _row(split, arm, one.question, metric, value, one.other, weighted, one.n)
    for kind in (QUESTIONS, FIELDS):
        gaps = np.array([one.gap for one in found if one.kind == kind and math.isfinite(one.gap)])
        if not any(one.kind == kind for one in found):
            continue
        summary = {
            "joint_gap_mean": gaps.mean() if gaps.size else math.nan,
            "joint_gap_mean_abs": np.abs(gaps).mean() if gaps.size else math.nan,
            "joint_gap_max_abs": np.abs(gaps).max() if gaps.size else math.nan,
        }
        for metric, value in summary.items():
            yield _row(split, arm, None, metric, float(value), kind, weighted, gaps.size)


def _row(
    split: str, arm: str, question: str | None, metric: str, value: float, level: str, weighted: bool, n: int
) -> MetricRow:
    told = figure(metric, value, CONSTANT, level=level)
    return MetricRow(
        arm, question, split, metric, told.value, weighted, reason=told.reason, form="valid", level=level, n=n
    )
