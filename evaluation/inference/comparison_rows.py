"""Comparisons of arms as rows: the difference, its tests, and whether the two are equivalent."""

from collections.abc import Iterator
from typing import Any

from evaluation.figures import BASELINE, NO_ELIGIBLE, MetricRow, figure
from evaluation.inference.comparison import Comparison
from evaluation.inference.significance import smallest_detectable_difference
from evaluation.measures.measure import WEIGHTINGS
from evaluation.scoring import SplitScores


def comparison_rows(scores: SplitScores) -> Iterator[MetricRow]:
    """Rows of every pair; means over questions have differences and no tests."""
    points = scores.run.settings.equivalence_points
    for compared in scores.comparisons:
        yield from _gap_rows(scores.split, compared, points)
        if compared.question is not None:
            yield from _test_rows(scores.split, compared)


def _gap_rows(split: str, c: Comparison, points: float) -> Iterator[MetricRow]:
    for weighted in WEIGHTINGS:
        gap = c.gaps[weighted]
        around = {"split": split, "weighted": weighted, "form": "strict", "arm_b": c.arm_b, "n": c.n}
        if not c.arm_b.startswith(BASELINE) or c.arm_b.count(":") > 1:  # the plain baselines have this row already
            found = figure("difference", gap.value, NO_ELIGIBLE)
            interval = None if found.value is None else gap.interval
            yield _row(c, "difference", found.value, around | {"reason": found.reason, "interval": interval})
        equivalent = float(c.is_equivalent(points, weighted=weighted))
        interval = gap.within if gap.within.low == gap.within.low else None
        yield _row(c, "equivalent", equivalent, around | {"interval": interval})


def _test_rows(split: str, c: Comparison) -> Iterator[MetricRow]:
    around = {"split": split, "weighted": False, "form": "strict", "arm_b": c.arm_b, "n": c.n}
    smallest = smallest_detectable_difference(c.n10, c.n01, c.n)
    values = {
        "mcnemar_n10": c.n10,
        "mcnemar_n01": c.n01,
        "mcnemar_p": c.p,
        "mcnemar_p_holm": c.p_holm,
        "smallest_detectable_difference": smallest,
        "n_only_a": c.n_only_a,
        "n_only_b": c.n_only_b,
    }
    for metric, value in values.items():
        yield _row(c, metric, float(value), around)


def _row(c: Comparison, metric: str, value: float | None, around: dict[str, Any]) -> MetricRow:
    return MetricRow(arm=c.arm, question_id=c.question, metric=metric, value=value, **around)
