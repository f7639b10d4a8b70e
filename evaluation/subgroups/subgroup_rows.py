"""Subgroups as rows, with Holm over all groups, questions and arms shown."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from evaluation.figures import BASELINE, LOGIT, MAJORITY, Figure, MetricRow
from evaluation.inference.significance import holm
from evaluation.measures.measure import WEIGHTINGS
from evaluation.reading.cells import Cell
from evaluation.scoring import SplitScores
from evaluation.subgroups.groups import Grouping, groupings_of
from evaluation.subgroups.subgroup_figures import GroupScore, gap_figures, group_scores


def subgroup_rows(scores: SplitScores) -> list[MetricRow]:
    """Rows of every declared subgroup and intersection, for arms, the majority and the logit; then their gaps."""
    rows: list[MetricRow] = []
    tests: list[tuple[MetricRow, float]] = []
    for grouping in groupings_of(scores.run):
        for (question, arm), scored in scores.cells.items():
            if arm.startswith(BASELINE) and arm not in (LOGIT, MAJORITY):
                continue
            place = _Place(scores, question, arm, scored.measured.cell, scored.rivals[LOGIT].cell)
            for weighted in WEIGHTINGS:
                found = group_scores(place.cell, place.logit, grouping, scores.run.design, weighted=weighted)
                rows += _group_rows(place, found, weighted)
                rows += _gap_rows(place, found, grouping, weighted)
                if not weighted and not arm.startswith(BASELINE):
                    tests += [(_row(place, Figure("group_p", s.p), s, weighted), s.p) for s in found if s.p is not None]
    return [*rows, *_test_rows(tests)]


class _Place(NamedTuple):
    scores: SplitScores
    question: str
    arm: str
    cell: Cell
    logit: Cell


def _group_rows(place: _Place, found: Sequence[GroupScore], weighted: bool) -> Iterator[MetricRow]:
    for score in found:
        for one in score.figures:
            if one.metric == "group_difference" and weighted:
                continue
            row = _row(place, one, score, weighted)
            yield replace(row, interval=score.interval) if one.metric == "accuracy" else row


def _gap_rows(place: _Place, found: Sequence[GroupScore], grouping: Grouping, weighted: bool) -> Iterator[MetricRow]:
    for gap, key in gap_figures(found, place.scores.run.settings.minimum_cell, grouping.name):
        yield replace(_plain(place, gap, weighted), subgroup=key, level=gap.level)


def _test_rows(tests: Sequence[tuple[MetricRow, float]]) -> Iterator[MetricRow]:
    adjusted = holm([p for _, p in tests])
    for (row, _), p in zip(tests, adjusted, strict=True):
        yield row
        yield replace(row, metric="group_p_holm", value=float(p))


def _row(place: _Place, one: Figure, score: GroupScore, weighted: bool) -> MetricRow:
    small = score.n is not None and score.n < place.scores.run.settings.minimum_cell
    flags = ("SMALL_CELL",) if small and one.metric == "accuracy" else ()
    return replace(_plain(place, one, weighted), subgroup=score.key, n=score.n, flags=flags)


def _plain(place: _Place, one: Figure, weighted: bool) -> MetricRow:
    return MetricRow(
        arm=place.arm,
        question_id=place.question,
        split=place.scores.split,
        metric=one.metric,
        value=one.value,
        weighted=weighted,
        reason=one.reason,
        form=one.form,
    )
