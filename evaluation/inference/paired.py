"""Paired resampling: accuracy of every arm beside its baselines on the same respondents, under the same draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.figures import NO_ELIGIBLE, POOLED, Figure, Interval, figure
from evaluation.inference.bootstrap import Columns, Draws, ResampledSums, percentile_interval
from evaluation.measures.measure import WEIGHTINGS
from evaluation.reading.cells import Cell

FLOOR_PERCENT = 95.0

Rivals = Mapping[str, Cell]
"""Name -> cell on the same respondents."""


@dataclass(frozen=True)
class Paired:
    """Resampled sums of all cells; `observed` holds the same sums of the data as they are, shape (1,).

    `question` may be a question, None for the mean over `questions` or `*pooled` for all their cases together.
    """

    observed: ResampledSums
    resampled: ResampledSums
    draws: Draws
    questions: Mapping[str, Sequence[str]]

    def accuracy(self, arm: str, question: str | None, *, weighted: bool) -> tuple[Figure, Interval | None]:
        """Strict accuracy with its interval."""
        value = self._accuracy(self.observed, arm, arm, question, weighted)
        drawn = self._accuracy(self.resampled, arm, arm, question, weighted)
        found = figure("accuracy", float(value[0]), NO_ELIGIBLE, form="strict")
        return found, percentile_interval(drawn, self.draws.method)

    def difference(
        self, arm: str, rival: str, question: str | None, *, weighted: bool
    ) -> tuple[Figure, Interval | None]:
        """Strict accuracy of an arm minus a rival's on the arm's respondents, with its paired interval."""

        def gap(sums: ResampledSums) -> FloatArray:
            own = self._accuracy(sums, arm, arm, question, weighted)
            return own - self._accuracy(sums, arm, rival, question, weighted)

        found = figure("difference", float(gap(self.observed)[0]), NO_ELIGIBLE, form="strict")
        return found, percentile_interval(gap(self.resampled), self.draws.method)

    def floor(self, arm: str, question: str, k: int, *, weighted: bool) -> list[Figure]:
        """Total variation between the human shares and their own resamples: mean and 95th percentile."""
        names = [("human", arm, question, weighted, code) for code in range(k)]
        observed = np.column_stack([self.observed[name] for name in names])
        drawn = np.column_stack([self.resampled[name] for name in names])
        total = drawn.sum(axis=1, keepdims=True)
        if not observed.sum():
            return [Figure(name, None, NO_ELIGIBLE) for name in ("floor_mean", "floor_p95")]
        kept = total[:, 0] > 0
        distance = np.abs(drawn[kept] / total[kept] - observed / observed.sum()).sum(axis=1) / 2
        mean = float(distance.mean()) if kept.any() else np.nan
        top = float(np.percentile(distance, FLOOR_PERCENT)) if kept.any() else np.nan
        return [figure("floor_mean", mean, NO_ELIGIBLE), figure("floor_p95", top, NO_ELIGIBLE)]

    def _accuracy(self, sums: ResampledSums, arm: str, of: str, question: str | None, weighted: bool) -> FloatArray:
        asked = self.questions[arm] if question in (None, POOLED) else [question]
        right = np.array([sums[("right", arm, q, weighted, of)] for q in asked])
        eligible = np.array([sums[("eligible", arm, q, weighted)] for q in asked])
        if question == POOLED:
            right, eligible = right.sum(axis=0, keepdims=True), eligible.sum(axis=0, keepdims=True)
        share = np.divide(right, eligible, out=np.zeros_like(right), where=eligible > 0)
        n_defined = (eligible > 0).sum(axis=0)
        mean: FloatArray = np.divide(
            share.sum(axis=0), n_defined, out=np.full(share.shape[1], np.nan), where=n_defined > 0
        )
        return mean


def resample(
    cells: Mapping[tuple[str, str], Cell],
    rivals: Mapping[tuple[str, str], Rivals],
    draws: Draws,
) -> Paired:
    """Resample every cell, its rivals and its human answers in one pass over the draws.

    Args:
        cells: (question, arm) -> cell.
        rivals: the same keys -> baselines on the cell's eligible respondents.
        draws: over all respondents of the run.
    """
    columns = Columns(draws.n_respondents)
    for (question, arm), cell in cells.items():
        for weighted in WEIGHTINGS:
            _add(columns, arm, question, cell, rivals[(question, arm)], weighted=weighted)
    questions: dict[str, list[str]] = {}
    for question, arm in cells:
        questions.setdefault(arm, []).append(question)
    return Paired(columns.summed(), columns.resampled(draws), draws, questions)


def _add(columns: Columns, arm: str, question: str, cell: Cell, rivals: Rivals, *, weighted: bool) -> None:
    mass = cell.mass(weighted=weighted)
    columns.add(("eligible", arm, question, weighted), cell.respondent, mass * cell.eligible)
    for code in range(cell.scale.k):
        human = ("human", arm, question, weighted, code)
        columns.add(human, cell.respondent, mass * (cell.truth == code))
    for name, other in {arm: cell, **rivals}.items():
        right = other.valid & (other.answer == other.truth)
        key = ("right", arm, question, weighted, name)
        columns.add(key, other.respondent, other.mass(weighted=weighted) * right)
