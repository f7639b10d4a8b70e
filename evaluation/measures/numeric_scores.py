"""Numeric questions scored: figures with intervals, beside their baselines on the same respondents, and flags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.figures import BASELINE, NO_ELIGIBLE, Figure, Interval, MetricRow, figure, ratio
from evaluation.flags import (
    COLLAPSED,
    ENOUGH_COVERAGE,
    EQUALS_CONSTANT,
    IN_SAMPLE,
    LOW_COVERAGE,
    LOW_ENTROPY_RATIO,
    MINIMUM_CELL,
    SIMULATED_SERVICE,
    SMALL_CELL,
)
from evaluation.inference.bootstrap import Columns, Draws, ResampledSums, percentile_interval
from evaluation.measures.numeric import NumericCell, numeric_figures
from evaluation.reading.cells import RunData
from evaluation.reading.coverage import coverage_figures
from evaluation.rivals.numeric_baselines import LINEAR, MEDIAN, NUMERIC_BASELINES

WORSE_THAN_MEDIAN = "WORSE_THAN_MEDIAN"
NOT_BETTER_THAN_LINEAR = "NOT_BETTER_THAN_LINEAR"
MEANINGS = {
    IN_SAMPLE: "the model was tuned on some of these respondents",
    NOT_BETTER_THAN_LINEAR: "numbers are no nearer than a regression on the persona fields",
    WORSE_THAN_MEDIAN: "numbers are farther off than one constant, the median",
    EQUALS_CONSTANT: "everyone gets the same number",
    COLLAPSED: "numbers vary far less than people's",
    LOW_COVERAGE: "too many answers are missing or cannot be read",
    SMALL_CELL: "fewer than 100 respondents to score against",
}
"""Flag -> what it says of numbers."""

WEIGHTINGS = (True, False)
Key = tuple[str, str]


@dataclass(frozen=True)
class NumericScore:
    """One cell with everything said about it.

    Attributes:
        rows: its rows of metrics.parquet.
        flags: of the weighted strict error.
    """

    cell: NumericCell
    rows: Sequence[MetricRow]
    flags: tuple[str, ...]

    def value(self, metric: str, form: str | None = None, arm_b: str | None = None) -> float | None:
        """A weighted figure."""
        row = self.row(metric, form, arm_b)
        return None if row is None else row.value

    def unweighted(self, metric: str) -> float | None:
        """An unweighted figure that has no form."""
        return next((r.value for r in self.rows if not r.weighted and (r.metric, r.form) == (metric, None)), None)

    def row(self, metric: str, form: str | None = None, arm_b: str | None = None) -> MetricRow | None:
        """A weighted row."""
        return next((r for r in self.rows if r.weighted and (r.metric, r.form, r.arm_b) == (metric, form, arm_b)), None)


def score_numeric(
    run: RunData, baselines: Mapping[Key, NumericCell], split: str, draws: Draws
) -> dict[Key, NumericScore]:
    """(question, arm) -> score; arms first, then baselines on everybody."""
    cells = {key: run.numeric_part(cell, split) for key, cell in {**run.numeric, **baselines}.items()}
    rivals = {key: run.numeric_part(cell, split) for key, cell in baselines.items()}
    return {key: _scored(cell, rivals, split, draws) for key, cell in cells.items()}


def _scored(cell: NumericCell, rivals: Mapping[Key, NumericCell], split: str, draws: Draws) -> NumericScore:
    rows: list[MetricRow] = []
    for weighted in WEIGHTINGS:
        intervals = _intervals(cell, draws, weighted=weighted)
        for found in numeric_figures(cell, weighted=weighted):
            rows.append(_row(cell, split, found, weighted, intervals.get((found.metric, found.form))))
        for name in NUMERIC_BASELINES:
            if name != cell.arm and (cell.question_id, name) in rivals:
                rows += _against(cell, _on(rivals[cell.question_id, name], cell), split, draws, weighted=weighted)
    rows += _counts(cell, split)
    score = NumericScore(cell, rows, ())
    flags = _flags(score)
    marked = [
        r if (r.metric, r.form, r.weighted) != ("mae", "strict", True) or r.arm_b else _with_flags(r, flags)
        for r in rows
    ]
    return NumericScore(cell, marked, flags)


def _on(rival: NumericCell, cell: NumericCell) -> NumericCell:
    """A baseline on the eligible respondents of a cell."""
    return rival.where(np.isin(rival.respondent, cell.respondent[cell.eligible]))


def _against(cell: NumericCell, rival: NumericCell, split: str, draws: Draws, *, weighted: bool) -> list[MetricRow]:
    """Error minus the baseline's (below 0 is better), and the share of its error that is saved."""
    sums = Columns(draws.n_respondents)
    for name, one in (("own", cell), ("rival", rival)):
        mass = np.where(one.eligible, one.mass(weighted=weighted), 0.0)
        sums.add((name, "error"), one.respondent, mass * np.nan_to_num(one.strict_error))
        sums.add((name, "mass"), one.respondent, mass)
    plain, drawn = sums.summed(), sums.resampled(draws)

    value = float(_gap(plain)[0])
    interval = percentile_interval(_gap(drawn), draws.method)
    own, other = (ratio(float(plain[n, "error"][0]), float(plain[n, "mass"][0])) for n in ("own", "rival"))
    skill = f"skill_over_{rival.arm.removeprefix(BASELINE)}"
    return [
        _row(cell, split, figure("mae_difference", value, NO_ELIGIBLE, form="strict"), weighted, interval, rival.arm),
        _row(cell, split, figure(skill, 1 - ratio(own, other), "the baseline is never off", form="strict"), weighted),
    ]


def _gap(of: ResampledSums) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        gap: FloatArray = of["own", "error"] / of["own", "mass"] - of["rival", "error"] / of["rival", "mass"]
    return gap


def _intervals(cell: NumericCell, draws: Draws, *, weighted: bool) -> dict[tuple[str, str | None], Interval | None]:
    sums = Columns(draws.n_respondents)
    for name, mask, values in (
        ("error", cell.eligible, cell.strict_error),
        ("truth", cell.eligible, cell.truth),
        ("answer", cell.valid, cell.answer),
    ):
        mass = np.where(mask, cell.mass(weighted=weighted), 0.0)
        sums.add((name, "sum"), cell.respondent, mass * np.nan_to_num(values))
        sums.add((name, "mass"), cell.respondent, mass)
    drawn = sums.resampled(draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = {name: drawn[name, "sum"] / drawn[name, "mass"] for name in ("error", "truth", "answer")}
    drawn_values: dict[tuple[str, str | None], FloatArray] = {
        ("mae", "strict"): mean["error"],
        ("mean_human", None): mean["truth"],
        ("mean_difference", None): mean["answer"] - mean["truth"],
    }
    return {key: percentile_interval(one, draws.method) for key, one in drawn_values.items()}


def _counts(cell: NumericCell, split: str) -> list[MetricRow]:
    return [_row(cell, split, found, False) for found in coverage_figures(cell)]


def _flags(score: NumericScore) -> tuple[str, ...]:
    cell = score.cell
    numbers = cell.answer[cell.valid]
    median, linear = score.value("mae_difference", "strict", MEDIAN), score.row("mae_difference", "strict", LINEAR)
    spread, coverage = score.value("sd_ratio"), score.value("coverage")
    not_better = linear is not None and linear.interval is not None and linear.interval.high >= 0
    found = {
        SIMULATED_SERVICE: bool(cell.simulated.any()),
        IN_SAMPLE: bool(cell.in_sample[cell.eligible].any()),
        WORSE_THAN_MEDIAN: median is not None and median > 0,
        EQUALS_CONSTANT: numbers.size > 0 and float(np.ptp(numbers)) == 0.0,
        COLLAPSED: spread is not None and spread < LOW_ENTROPY_RATIO,
        NOT_BETTER_THAN_LINEAR: not_better,
        LOW_COVERAGE: coverage is not None and coverage < ENOUGH_COVERAGE,
        SMALL_CELL: int(cell.eligible.sum()) < MINIMUM_CELL,
    }
    return tuple(name for name, holds in found.items() if holds)


def _with_flags(row: MetricRow, flags: tuple[str, ...]) -> MetricRow:
    values = {name: getattr(row, name) for name in MetricRow.__slots__}
    return MetricRow(**values | {"flags": flags})


def _row(
    cell: NumericCell,
    split: str,
    found: Figure,
    weighted: bool,
    interval: Interval | None = None,
    arm_b: str | None = None,
) -> MetricRow:
    mass = cell.mass(weighted=weighted)[cell.eligible]
    return MetricRow(
        cell.arm,
        cell.question_id,
        split,
        found.metric,
        found.value,
        weighted,
        reason=found.reason,
        form=found.form,
        arm_b=arm_b,
        interval=interval,
        n=int(cell.valid.sum()) if found.form == "valid" else int(cell.eligible.sum()),
        n_eff=ratio(float(mass.sum()) ** 2, float((mass**2).sum())) if mass.size else 0.0,
    )
