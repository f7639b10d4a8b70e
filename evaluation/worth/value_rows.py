"""Value as rows: effective sample size by answer code, interviews saved, cost of each effective respondent."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.figures import Figure, MetricRow, figure
from evaluation.measures.measure import WEIGHTINGS
from evaluation.reading.cells import Cell
from evaluation.scoring import SplitScores
from evaluation.worth.value import Worth, worth

NOTHING_GAINED = "the predictions save no interview"
NO_COST = "the run has no cost for this arm"
TOO_FEW = "fewer respondents than labels"


def value_rows(scores: SplitScores) -> list[MetricRow]:
    """Worth of every cell beside `evaluate.labels` random interviews; whole-question figures add up all codes."""
    rows: list[MetricRow] = []
    for (question, arm), scored in scores.cells.items():
        cell = scored.measured.cell
        for weighted in WEIGHTINGS:
            cost = _cost_usd(scores, question, arm)
            for found in value_figures(cell, scores.run.settings.labels, cost, weighted=weighted):
                rows.append(_row(scores.split, question, arm, found, weighted, scored.measured.n_eligible))
    return rows


def value_figures(cell: Cell, labels: int, cost_usd: float | None, *, weighted: bool) -> Iterator[Figure]:
    """Figures of one cell.

    Args:
        cell: predictions with human answers; a prediction that is not valid predicts no code.
        labels: interviews bought, drawn at random from the same people.
        cost_usd: of the predictions, training and hosting included; None if unknown.
        weighted: use survey weights.
    """
    people = _people(cell, weighted=weighted)
    m = people.weight.size
    if m <= labels:
        for name in ("ess", "ess_of_full_trust", "interviews_saved", "cost_per_effective_respondent"):
            yield Figure(name, None, TOO_FEW)
        return
    by_code = [
        worth((people.truth == k) * 1.0, people.predicted[:, k], people.weight, labels, m - labels)
        for k in range(cell.scale.k)
    ]
    for level, found in zip(cell.scale.levels, by_code, strict=True):
        yield Figure("ess", found.ess, level=level)
    whole = _together([one.classical_variance for one in by_code], [one.ppi_variance for one in by_code])
    saved = labels * (whole - 1)
    yield Figure("ess", whole)
    yield Figure("ess_of_full_trust", _full_trust(by_code))
    yield Figure("interviews_saved", saved)
    yield _cost_each(saved, cost_usd)


class _People(NamedTuple):
    """One row a respondent: mean over repeats of what was predicted, shape (M, K)."""

    truth: np.ndarray
    predicted: FloatArray
    weight: FloatArray


def _people(cell: Cell, *, weighted: bool) -> _People:
    kept = cell.where(cell.eligible)
    k = cell.scale.k
    if kept.probabilities is None:
        predicted = (kept.answer[:, None] == np.arange(k)).astype(np.float64)
    else:
        predicted = np.asarray(np.nan_to_num(kept.probabilities, nan=0.0), dtype=np.float64)
    respondent, first, index = np.unique(kept.respondent, return_index=True, return_inverse=True)
    mean = np.column_stack(
        [np.bincount(index, weights=kept.unit * predicted[:, j], minlength=respondent.size) for j in range(k)]
    )
    weight = (kept.mass(weighted=weighted) / kept.unit)[first]
    return _People(kept.truth[first], mean.astype(np.float64), weight)


def _together(classical: list[float], better: list[float]) -> float:
    """Ratio of summed variances of all codes; 1 where people gave one answer."""
    return sum(classical) / sum(better) if sum(better) > 0 else 1.0


def _full_trust(by_code: list[Worth]) -> float:
    return _together(
        [w.classical_variance for w in by_code], [w.classical_variance / w.ess_of_full_trust for w in by_code]
    )


def _cost_each(saved: float, cost_usd: float | None) -> Figure:
    name = "cost_per_effective_respondent"
    if cost_usd is None:
        return Figure(name, None, NO_COST)
    return figure(name, cost_usd / saved if saved > 1e-9 else np.inf, NOTHING_GAINED)


def _cost_usd(scores: SplitScores, question: str, arm: str) -> float | None:
    """Of the cell's answers and the question's share of the arm's training and hosting."""
    usage = scores.run.usage.get((question, arm))
    extra = scores.run.settings.extra_cost_usd.get(arm, 0.0)
    if usage is None or not (usage.has_calls or extra):
        return None
    n_questions = sum(1 for _, name in scores.run.cells if name == arm)
    return float(usage.cost_usd + extra / n_questions)


def _row(split: str, question: str, arm: str, found: Figure, weighted: bool, n: int) -> MetricRow:
    return MetricRow(
        arm, question, split, found.metric, found.value, weighted, reason=found.reason, level=found.level, n=n
    )
