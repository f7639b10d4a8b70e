"""Figures: one number with its name, or the reason why there is none; and the long-table row around it."""

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Form = Literal["strict", "valid"]

BASELINE = "baseline:"
"""How the names of all baselines begin; no arm's can."""

MAJORITY = "baseline:majority"
MARGINAL = "baseline:marginal"
LOGIT = "baseline:logit"
GBDT = "baseline:gbdt"
RICH = "baseline:rich_logit"
UNIFORM = "baseline:uniform"
HUMAN = "human"
POOLED = "*pooled"

NO_ELIGIBLE = "no respondent with an answer"
NO_VALID = "no valid prediction"


class Figure(NamedTuple):
    """One number of one cell.

    Attributes:
        metric: name as in docs/metrics.md.
        value: None = undefined; never NaN or infinite.
        reason: why value is None; None otherwise.
        form: None where strict and valid are the same.
        level: answer code as text for figures of one code.
    """

    metric: str
    value: float | None
    reason: str | None = None
    form: Form | None = None
    level: str | None = None


class Interval(NamedTuple):
    """A 95 % interval and how it was made."""

    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One row of metrics.parquet (`schemas.tables.METRICS`), without the run id.

    `question_id` None is the mean over questions with equal weight; then `n` counts questions.
    """

    arm: str
    question_id: str | None
    split: str
    metric: str
    value: float | None
    weighted: bool
    reason: str | None = None
    form: str | None = None
    level: str | None = None
    arm_b: str | None = None
    interval: Interval | None = None
    n: int | None = None
    n_eff: float | None = None
    flags: tuple[str, ...] = field(default=())
    subgroup: tuple[tuple[str, int | None], ...] | None = None


def figure(metric: str, value: float, undefined: str, *, form: Form | None = None, level: str | None = None) -> Figure:
    """A figure from a plain number; NaN and infinity become None with `undefined` as the reason."""
    if math.isfinite(value):
        return Figure(metric, float(value), None, form, level)
    return Figure(metric, None, undefined, form, level)


def ratio(numerator: float, denominator: float) -> float:
    """Quotient; NaN when the denominator is 0."""
    return float(numerator) / float(denominator) if denominator else math.nan
