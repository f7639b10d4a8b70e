"""Rows: scores as the long table of metrics.parquet."""

from collections.abc import Iterable, Iterator

import numpy as np

from evaluation.figures import (
    BASELINE,
    HUMAN,
    LOGIT,
    MAJORITY,
    NO_ELIGIBLE,
    NO_VALID,
    POOLED,
    Figure,
    Interval,
    MetricRow,
    figure,
    ratio,
)
from evaluation.inference.comparison_rows import comparison_rows
from evaluation.inference.intervals import weighted_share_interval, wilson
from evaluation.measures.distribution import distribution_figures, share_figures
from evaluation.measures.individual import FORMS, row_totals, skill
from evaluation.measures.joint import joint_rows
from evaluation.measures.measure import WEIGHTINGS, Measured
from evaluation.reading.cells import Cell
from evaluation.rivals.baselines import FITTED, expected_baselines
from evaluation.scoring import Scored, SplitScores
from evaluation.subgroups.subgroup_rows import subgroup_rows
from evaluation.worth.value_rows import value_rows

_SKILLS = {MAJORITY: "skill_over_majority", LOGIT: "skill_over_logit"}
_NO_MEAN = ("n_", "stuart_maxwell", "equivalent_n", "cost_usd", "tokens_", "latency_")
"""Beginnings of metrics whose mean over questions says nothing."""


def metric_rows(scores: SplitScores) -> list[MetricRow]:
    """All rows of a split: question by question and arm, then means over questions, then pooled."""
    rows: list[MetricRow] = []
    for key, scored in scores.cells.items():
        rows += _cell_rows(scores, key, scored)
    for question in dict.fromkeys(question for question, _ in scores.cells):
        rows += _expected_rows(scores, question)
    rows += _macro_rows(rows, scores)
    rows += _pooled_rows(scores)
    for more in (comparison_rows, subgroup_rows, joint_rows, value_rows):
        rows += more(scores)
    return rows


def _cell_rows(scores: SplitScores, key: tuple[str, str], scored: Scored) -> Iterator[MetricRow]:
    question, arm = key
    measured = scored.measured
    for (metric, form, _, weighted), found in measured.figures.items():
        interval = None
        flags: tuple[str, ...] = ()
        if metric == "accuracy" and form == "strict":
            interval = scores.paired.accuracy(arm, question, weighted=weighted)[1]
            flags = scored.flags if weighted else ()
        yield _row(scores.split, arm, found, measured, weighted=weighted, interval=interval, flags=flags)
    if key in scores.run.usage:
        for found in scores.run.usage[key].figures():
            yield _row(scores.split, arm, found, measured, weighted=False)
    if not arm.startswith(BASELINE):
        yield from _equivalent_rows(scores, key, scored)
    for weighted in WEIGHTINGS:
        for found in scores.paired.floor(arm, question, measured.cell.scale.k, weighted=weighted):
            yield _row(scores.split, arm, found, measured, weighted=weighted)
        yield from _rival_rows(scores, key, scored, weighted)


def _rival_rows(scores: SplitScores, key: tuple[str, str], scored: Scored, weighted: bool) -> Iterator[MetricRow]:
    """Skill over, and difference to, the fitted baselines on the cell's own respondents."""
    question, arm = key
    for name in FITTED:
        if name == arm:
            continue
        if name in _SKILLS:
            yield _row(scores.split, arm, _skill_of(scored, name, weighted), scored.measured, weighted=weighted)
        found, interval = scores.paired.difference(arm, name, question, weighted=weighted)
        yield _row(scores.split, arm, found, scored.measured, weighted=weighted, interval=interval, arm_b=name)


def _equivalent_rows(scores: SplitScores, key: tuple[str, str], scored: Scored) -> Iterator[MetricRow]:
    """How many human answers the logit needs to be as good as the arm."""
    measured = scored.measured
    for metric, form in (("accuracy", "strict"), ("log_loss", None)):
        own = {w: measured.value(metric, form, weighted=w) for w in WEIGHTINGS}
        for weighted in WEIGHTINGS:
            found = scores.curves[key[0]].equivalent(measured.cell, own, metric, weighted=weighted)
            yield _row(scores.split, key[1], found, measured, weighted=weighted)


def _skill_of(scored: Scored, rival: str, weighted: bool) -> Figure:
    own = scored.measured.value("accuracy", "strict", weighted=weighted)
    return skill(_SKILLS[rival], own, scored.rivals[rival].value("accuracy", "strict", weighted=weighted))


def _row(
    split: str,
    arm: str,
    found: Figure,
    measured: Measured,
    *,
    weighted: bool,
    interval: Interval | None = None,
    flags: tuple[str, ...] = (),
    arm_b: str | None = None,
) -> MetricRow:
    return MetricRow(
        arm=arm,
        question_id=measured.cell.question_id,
        split=split,
        metric=found.metric,
        value=found.value,
        weighted=weighted,
        reason=found.reason,
        form=found.form,
        level=found.level,
        arm_b=arm_b,
        interval=interval,
        n=measured.n_valid if found.form == "valid" else measured.n_eligible,
        n_eff=measured.n_eff[weighted],
        flags=flags,
    )


def _expected_rows(scores: SplitScores, question: str) -> Iterator[MetricRow]:
    """Human shares, and the baselines that are known by their expected figures."""
    measured = scores.cells[(question, MAJORITY)].measured
    scale = measured.cell.scale
    for weighted in WEIGHTINGS:
        human = measured.humans[weighted]
        if human is None:
            continue
        for found in share_figures(human, scale):
            interval = _share_interval(scores, measured.cell, found, weighted=weighted)
            yield _row(scores.split, HUMAN, found, measured, weighted=weighted, interval=interval)
        for expected in expected_baselines(human, scale):
            figures = distribution_figures(human, expected.shares, scale)
            for found in [expected.accuracy, expected.log_loss, *figures]:
                yield _row(scores.split, expected.name, found, measured, weighted=weighted)


def _share_interval(scores: SplitScores, cell: Cell, found: Figure, *, weighted: bool) -> Interval | None:
    """Wilson for plain shares of a simple sample, else on the logit scale from the linearised error."""
    if found.level is None or found.value is None:
        return None
    design = scores.run.design
    if not weighted and design.is_simple:
        return wilson(found.value, cell.truth.size)
    hit = cell.truth == cell.scale.levels.index(found.level)
    return weighted_share_interval(hit, cell.mass(weighted=weighted), cell.respondent, design)


def _macro_rows(rows: Iterable[MetricRow], scores: SplitScores) -> Iterator[MetricRow]:
    """Means over questions with equal weight; questions where the figure is undefined are left out and counted."""
    groups: dict[tuple[object, ...], list[MetricRow]] = {}
    for row in rows:
        if row.level is None and not row.metric.startswith(_NO_MEAN):
            groups.setdefault((row.arm, row.arm_b, row.metric, row.form, row.weighted), []).append(row)
    for group in groups.values():
        yield _macro_row(group, scores)


def _macro_row(group: list[MetricRow], scores: SplitScores) -> MetricRow:
    first = group[0]
    defined = [row.value for row in group if row.value is not None]
    resampled = any(row.interval is not None for row in group)
    return MetricRow(
        arm=first.arm,
        question_id=None,
        split=first.split,
        metric=first.metric,
        value=float(np.mean(defined)) if defined else None,
        weighted=first.weighted,
        reason=None if defined else "undefined for every question",
        form=first.form,
        arm_b=first.arm_b,
        interval=_macro_interval(first, scores) if resampled else None,
        n=len(defined),
    )


def _macro_interval(row: MetricRow, scores: SplitScores) -> Interval | None:
    if row.arm_b is not None:
        return scores.paired.difference(row.arm, row.arm_b, None, weighted=row.weighted)[1]
    return scores.paired.accuracy(row.arm, None, weighted=row.weighted)[1]


def _pooled_rows(scores: SplitScores) -> Iterator[MetricRow]:
    """Accuracy and coverage over all cases of all questions together."""
    by_arm: dict[str, list[Measured]] = {}
    for (_, arm), scored in scores.cells.items():
        by_arm.setdefault(arm, []).append(scored.measured)
    for arm, measured in by_arm.items():
        for weighted in WEIGHTINGS:
            yield from _pooled_arm(scores, arm, measured, weighted)


def _pooled_arm(scores: SplitScores, arm: str, measured: list[Measured], weighted: bool) -> Iterator[MetricRow]:
    tables = [m.tables[weighted] for m in measured]
    n_eligible, n_valid = sum(m.n_eligible for m in measured), sum(m.n_valid for m in measured)
    total, valid = (sum(float(row_totals(t, form).sum()) for t in tables) for form in FORMS)
    hits = sum(float(np.trace(t)) for t in tables)

    def pooled(found: Figure, n: int, interval: Interval | None = None, arm_b: str | None = None) -> MetricRow:
        place = (arm, POOLED, scores.split, found.metric, found.value, weighted, found.reason, found.form)
        return MetricRow(*place, arm_b=arm_b, interval=interval, n=n)

    yield pooled(figure("coverage", ratio(valid, total), NO_ELIGIBLE), n_eligible)
    strict, interval = scores.paired.accuracy(arm, POOLED, weighted=weighted)
    yield pooled(strict, n_eligible, interval)
    yield pooled(figure("accuracy", ratio(hits, valid), NO_VALID, form="valid"), n_valid)
    for name in FITTED:
        if name != arm:
            gap, interval = scores.paired.difference(arm, name, POOLED, weighted=weighted)
            yield pooled(gap, n_eligible, interval, name)
