"""Subgroup figures of one cell: how well each group is predicted, beside what its own majority and the logit earn.

Source: evaluation specification, section 2.3. Everything is counted at once for all groups of a grouping.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.arrays import FloatArray, IntArray
from evaluation.figures import Figure, Interval, figure
from evaluation.inference.intervals import weighted_share_interval, wilson
from evaluation.inference.significance import two_proportion_p
from evaluation.measures.distribution import shares, total_variation, wasserstein
from evaluation.measures.ordinal import NOMINAL
from evaluation.reading.cells import ABSENT, Cell
from evaluation.reading.sampling_design import SamplingDesign
from evaluation.subgroups.groups import SUPPRESSED, SUPPRESSED_BELOW, Grouping, GroupKey, is_missing

NO_RANKED = "fewer than two groups are large enough to be ranked"


@dataclass(frozen=True)
class GroupScore:
    """One group of one cell; `figures` holds a single null where the group is suppressed.

    Attributes:
        n: respondents with a human answer; None where suppressed.
        p: of the two-proportion test of the group's plain accuracy against everyone else's; None where suppressed.
    """

    key: GroupKey
    n: int | None
    figures: Sequence[Figure]
    interval: Interval | None
    p: float | None

    def value(self, metric: str) -> float | None:
        """A figure of the group."""
        return next((f.value for f in self.figures if f.metric == metric), None)


def group_scores(
    cell: Cell, logit: Cell, grouping: Grouping, design: SamplingDesign, *, weighted: bool
) -> list[GroupScore]:
    """Figures of every group that has a respondent with a human answer.

    Args:
        cell: of an arm or baseline.
        logit: the logit on the same respondents.
        grouping: all respondents by group.
        design: of all respondents.
        weighted: use survey weights.
    """
    tables = group_tables(cell, grouping, weighted=weighted)
    right, n = _right(cell, grouping), _respondents(cell, grouping)
    logit_right = group_tables(logit, grouping, weighted=weighted)
    found = []
    for g in np.flatnonzero(n):
        key = grouping.keys[int(g)]
        if n[g] < SUPPRESSED_BELOW:
            found.append(GroupScore(key, None, [Figure("accuracy", None, SUPPRESSED, "strict")], None, None))
            continue
        figures = _figures(cell, tables[g], logit_right[g])
        rest = (float(right.sum() - right[g]), int(n.sum() - n[g]))
        figures.append(_against_rest(right, n, int(g)))
        interval = _interval(cell, grouping.group == g, design, weighted=weighted)
        found.append(GroupScore(key, int(n[g]), figures, interval, two_proportion_p(float(right[g]), int(n[g]), *rest)))
    return found


def group_tables(cell: Cell, grouping: Grouping, *, weighted: bool) -> FloatArray:
    """Confusion tables by group, shape (G, K, K + 1): one count for all groups."""
    k, eligible = cell.scale.k, cell.eligible
    answer = cell.answer[eligible]
    column = np.where(answer == ABSENT, k, answer)
    place = (grouping.group[cell.respondent[eligible]] * k + cell.truth[eligible]) * (k + 1) + column
    mass = cell.mass(weighted=weighted)[eligible]
    size = len(grouping.keys) * k * (k + 1)
    return np.bincount(place, weights=mass, minlength=size).astype(np.float64).reshape(-1, k, k + 1)


def gap_figures(scores: Sequence[GroupScore], minimum: int, variable: str) -> list[tuple[Figure, GroupKey | None]]:
    """Gaps over groups with at least `minimum` respondents, and the worst group.

    A raw gap mostly mirrors how predictable a group is; the same after subtracting what the group's own majority, or
    the logit, earns says what the arm adds to it.
    """
    ranked = [s for s in scores if s.n is not None and s.n >= minimum and not is_missing(s.key)]
    names = {
        "accuracy_gap": None,
        "accuracy_gap_over_majority": "majority_in_group",
        "accuracy_gap_over_logit": "logit_accuracy",
    }
    if len(ranked) < 2:
        absent = [*names, "worst_accuracy", "worst_tv"]
        return [(Figure(name, None, NO_RANKED, level=variable), None) for name in absent]
    found: list[tuple[Figure, GroupKey | None]] = []
    for name, rival in names.items():
        above = [_of(s, "accuracy") - (0.0 if rival is None else _of(s, rival)) for s in ranked]
        found.append((Figure(name, max(above) - min(above), level=variable), None))
    worst = min(ranked, key=lambda s: _of(s, "accuracy"))
    found.append((Figure("worst_accuracy", _of(worst, "accuracy"), level=variable), worst.key))
    told = [s for s in ranked if s.value("tv") is not None]
    if told:
        furthest = max(told, key=lambda s: _of(s, "tv"))
        found.append((Figure("worst_tv", _of(furthest, "tv"), level=variable), furthest.key))
    return found


def _of(score: GroupScore, metric: str) -> float:
    value = score.value(metric)
    return 0.0 if value is None else value


def _figures(cell: Cell, table: FloatArray, logit: FloatArray) -> list[Figure]:
    total = float(table.sum())
    human, synthetic = shares(table.sum(axis=1)), shares(table[:, :-1].sum(axis=0))
    why = "no weight in this group"
    values: Mapping[str, float] = {
        "accuracy": float(np.trace(table)) / total if total else np.nan,
        "majority_in_group": float(table.sum(axis=1).max()) / total if total else np.nan,
        "logit_accuracy": float(np.trace(logit)) / total if total else np.nan,
    }
    found = [figure(name, value, why, form="strict") for name, value in values.items()]
    if human is None or synthetic is None:
        return [*found, Figure("tv", None, "no valid prediction"), Figure("w1", None, "no valid prediction")]
    found.append(figure("tv", total_variation(human, synthetic), ""))
    if not cell.scale.ordinal:
        return [*found, Figure("w1", None, NOMINAL)]
    ranked = (cell.scale.ranked(human), cell.scale.ranked(synthetic))
    return [*found, figure("w1", wasserstein(*ranked), "fewer than two codes")]


def _against_rest(right: FloatArray, n: IntArray, g: int) -> Figure:
    others = int(n.sum() - n[g])
    rest = float(right.sum() - right[g]) / others if others else np.nan
    return figure("group_difference", float(right[g]) / int(n[g]) - rest, "there is no other group", form="strict")


def _right(cell: Cell, grouping: Grouping) -> FloatArray:
    right = cell.valid & (cell.answer == cell.truth)
    group = grouping.group[cell.respondent]
    return np.bincount(group, weights=cell.unit * right, minlength=len(grouping.keys)).astype(np.float64)


def _respondents(cell: Cell, grouping: Grouping) -> IntArray:
    there = np.unique(cell.respondent[cell.eligible])
    return np.bincount(grouping.group[there], minlength=len(grouping.keys))


def _interval(cell: Cell, inside: np.ndarray, design: SamplingDesign, *, weighted: bool) -> Interval | None:
    kept = cell.eligible & inside[cell.respondent]
    right = (cell.valid & (cell.answer == cell.truth))[kept]
    mass = cell.mass(weighted=weighted)[kept]
    if not weighted and design.is_simple and mass.sum() > 0:
        return wilson(float(mass @ right) / float(mass.sum()), float(mass.sum()))
    return weighted_share_interval(right, mass, cell.respondent[kept], design)
