"""Measuring one cell: every figure that follows from the cell alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.figures import Figure
from evaluation.measures.confusion import confusion
from evaluation.measures.distribution import distribution_figures, shares, stuart_maxwell, stuart_maxwell_p
from evaluation.measures.individual import individual_figures
from evaluation.measures.ordinal import ordinal_figures
from evaluation.measures.probability import mean_probabilities, probability_figures
from evaluation.reading.cells import Cell
from evaluation.reading.coverage import coverage_figures

WEIGHTINGS = (True, False)
ARGMAX = "argmax_"
"""Prefix of distribution figures of the most likely codes, where the cell is judged by its probabilities."""

Key = tuple[str, str | None, str | None, bool]
"""Metric, form, level, weighted."""


@dataclass(frozen=True)
class Measured:
    """Figures of one cell.

    Attributes:
        tables: weighted -> confusion table, shape (K, K + 1).
        humans: weighted -> shares of human answers, shape (K,); None if nobody is eligible.
        figures: in the order in which they are written.
    """

    cell: Cell
    tables: Mapping[bool, FloatArray]
    humans: Mapping[bool, FloatArray | None]
    figures: Mapping[Key, Figure]

    def value(self, metric: str, form: str | None = None, *, weighted: bool = True) -> float | None:
        """Value of a whole-question figure; None if undefined."""
        found = self.figures.get((metric, form, None, weighted))
        return None if found is None else found.value

    def of_answers(self, metric: str) -> float | None:
        """A weighted distribution figure of the answers, also where probabilities are there to judge."""
        return self.value(metric if self.cell.probabilities is None else ARGMAX + metric)

    @cached_property
    def n_eligible(self) -> int:
        """Predictions with a human answer."""
        return int(self.cell.eligible.sum())

    @cached_property
    def n_valid(self) -> int:
        """Eligible predictions with an answer."""
        return int(self.cell.valid.sum())

    @cached_property
    def n_eff(self) -> Mapping[bool, float]:
        """Weighted -> Kish effective number of eligible cases, (sum w)^2 / sum w^2."""
        return {weighted: _kish(self.cell.mass(weighted=weighted)[self.cell.eligible]) for weighted in WEIGHTINGS}


def measure(cell: Cell) -> Measured:
    """All figures of a cell, weighted and unweighted."""
    tables = {weighted: confusion(cell, weighted=weighted) for weighted in WEIGHTINGS}
    humans = {weighted: shares(table.sum(axis=1)) for weighted, table in tables.items()}
    figures: dict[Key, Figure] = {}
    for weighted in WEIGHTINGS:
        for found in _figures(cell, tables[weighted], humans[weighted], weighted=weighted):
            figures[(found.metric, found.form, found.level, weighted)] = found
    valid = tables[False][:, :-1]
    for found in [*coverage_figures(cell), stuart_maxwell(valid), stuart_maxwell_p(valid)]:
        figures[(found.metric, found.form, found.level, False)] = found
    return Measured(cell, tables, humans, figures)


def _figures(cell: Cell, table: FloatArray, human: FloatArray | None, *, weighted: bool) -> list[Figure]:
    scale = cell.scale
    answers = shares(table[:, :-1].sum(axis=0))
    figures = individual_figures(table, scale) + ordinal_figures(table, scale)
    forecast = mean_probabilities(cell, weighted=weighted)
    if cell.probabilities is None:
        figures += distribution_figures(human, answers, scale)
    else:
        figures += distribution_figures(human, forecast, scale)
        figures += distribution_figures(human, answers, scale, prefix=ARGMAX)
    return figures + probability_figures(cell, human, weighted=weighted)


def respondents_of(cell: Cell) -> np.ndarray:
    """Distinct respondents of a cell with a human answer, ascending."""
    return np.unique(cell.respondent[cell.eligible])


def _kish(mass: FloatArray) -> float:
    squares = float((mass**2).sum())
    return float(mass.sum()) ** 2 / squares if squares else 0.0
