"""Individual-level figures of one confusion table: is the right answer given to the right respondent?

Source: evaluation specification, sections 2.1 and 5; names and formulas in docs/metrics.md.
"""

import math
from collections.abc import Iterator

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.figures import NO_ELIGIBLE, NO_VALID, Figure, Form, figure, ratio
from evaluation.reading.scale import Scale

FORMS: tuple[Form, ...] = ("strict", "valid")
NEVER_PREDICTED = "this code is never predicted"
NEVER_TRUE = "nobody gave this answer"
BASE_IS_PERFECT = "the baseline is always right"


def individual_figures(table: FloatArray, scale: Scale) -> list[Figure]:
    """Every figure that needs no order.

    Args:
        table: shape (K, K + 1) from `confusion.confusion`, weighted or not.
        scale: codes of its rows.
    """
    figures = [coverage(table)]
    for form in FORMS:
        figures += _of_form(table, scale, form)
    return [*figures, *_precision(table, scale), cohen_kappa(table), cramers_v(table)]


def coverage(table: FloatArray) -> Figure:
    """Share of eligible predictions that are valid."""
    return figure("coverage", ratio(table[:, :-1].sum(), table.sum()), NO_ELIGIBLE)


def accuracy(table: FloatArray, form: Form) -> Figure:
    """Share of predictions that name the human's code."""
    value = ratio(np.trace(table), row_totals(table, form).sum())
    return figure("accuracy", value, _nothing(form), form=form)


def row_totals(table: FloatArray, form: Form) -> FloatArray:
    """Mass of each human code, shape (K,); strict counts predictions that are not valid."""
    totals: FloatArray = (table if form == "strict" else table[:, :-1]).sum(axis=1)
    return totals


def f1_by_code(table: FloatArray, form: Form) -> FloatArray:
    """F1 of every codebook code, shape (K,); 0 for a code that nobody gave and nothing predicted."""
    hits = np.diagonal(table)
    both = row_totals(table, form) + table[:, :-1].sum(axis=0)
    f1: FloatArray = np.divide(2 * hits, both, out=np.zeros(len(table)), where=both > 0)
    return f1


def skill(metric: str, value: float | None, base: float | None) -> Figure:
    """How much of the room above a baseline's strict accuracy is used; negative values are shown."""
    if value is None or base is None:
        return Figure(metric, None, NO_ELIGIBLE, "strict")
    return figure(metric, ratio(value - base, 1 - base), BASE_IS_PERFECT, form="strict")


def cohen_kappa(table: FloatArray) -> Figure:
    """Agreement beyond chance over valid predictions; 0 for a constant, None only if chance agreement is 1."""
    total = table[:, :-1].sum()
    if not total:
        return Figure("kappa", None, NO_VALID, "valid")
    shares = table[:, :-1] / total
    by_chance = float(shares.sum(axis=1) @ shares.sum(axis=0))
    value = ratio(np.trace(shares) - by_chance, 0.0 if math.isclose(by_chance, 1) else 1 - by_chance)
    return figure("kappa", value, "people and predictions use one and the same code", form="valid")


def cramers_v(table: FloatArray) -> Figure:
    """Association of human and predicted codes over valid predictions, 0..1; codes not in use are left out."""
    valid = table[:, :-1]
    used = valid[valid.sum(axis=1) > 0][:, valid.sum(axis=0) > 0]
    if min(used.shape, default=0) < 2:
        return Figure("cramers_v", None, "one side is constant" if used.size else NO_VALID, "valid")
    shares = used / used.sum()
    expected = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    phi2 = float(((shares - expected) ** 2 / expected).sum())
    return figure("cramers_v", math.sqrt(phi2 / (min(used.shape) - 1)), "", form="valid")


def _of_form(table: FloatArray, scale: Scale, form: Form) -> Iterator[Figure]:
    totals, f1 = row_totals(table, form), f1_by_code(table, form)
    total, nothing = totals.sum(), _nothing(form)
    yield accuracy(table, form)
    yield figure("macro_f1", float(f1.mean()) if total else math.nan, nothing, form=form)
    yield figure("weighted_f1", ratio(float(totals @ f1), total), nothing, form=form)
    hits, seen = np.diagonal(table), totals > 0
    balanced = float((hits[seen] / totals[seen]).mean()) if total else math.nan
    yield figure("balanced_accuracy", balanced, nothing, form=form)
    for k, level in enumerate(scale.levels):
        recall = ratio(hits[k], totals[k])
        yield figure("recall", recall, NEVER_TRUE, form=form, level=level)
        yield figure("f1", float(f1[k]), "", form=form, level=level)


def _precision(table: FloatArray, scale: Scale) -> Iterator[Figure]:
    predicted = table[:, :-1].sum(axis=0)
    for k, level in enumerate(scale.levels):
        yield figure("precision", ratio(table[k, k], predicted[k]), NEVER_PREDICTED, level=level)


def _nothing(form: Form) -> str:
    return NO_ELIGIBLE if form == "strict" else NO_VALID
