"""Figures that need an order of the answers: distances on ranks, neighbours, sides of a cut.

Source: evaluation specification, sections 2.1 and 5. A nominal question has none of them.
"""

import math

import numpy as np

from evaluation.arrays import BoolArray, FloatArray
from evaluation.figures import NO_ELIGIBLE, NO_VALID, Figure, Form, figure, ratio
from evaluation.measures.individual import FORMS, row_totals
from evaluation.reading.scale import Scale

NOMINAL = "the question has no order"
_ORDERED: tuple[tuple[str, tuple[Form, ...]], ...] = (
    ("quadratic_kappa", ("valid",)),
    ("mae_rank", FORMS),
    ("mae_rank_normalised", FORMS),
    ("adjacent_accuracy", FORMS),
)


def ordinal_figures(table: FloatArray, scale: Scale) -> list[Figure]:
    """Order figures of a confusion table, shape (K, K + 1); None with a reason for a nominal question."""
    ranked = scale.ranked_table(table)
    figures = _cut_figures(ranked, scale)
    if not scale.ordinal:
        return [*figures, *(Figure(name, None, NOMINAL, form) for name, forms in _ORDERED for form in forms)]
    figures.append(quadratic_kappa(ranked))
    for form in FORMS:
        mae = mae_rank(ranked, form)
        figures += [mae, _normalised(mae, scale.k), adjacent_accuracy(ranked, form)]
    return [*figures, adjacent_best_constant(ranked)]


def rank_distance(k: int) -> FloatArray:
    """Ranks between two codes, shape (K, K)."""
    rank = np.arange(k, dtype=np.float64)
    return np.abs(rank[:, None] - rank[None, :])


def quadratic_kappa(ranked: FloatArray) -> Figure:
    """Kappa with squared rank distances as the cost, over valid predictions."""
    valid = ranked[:, :-1]
    total = valid.sum()
    if not total:
        return Figure("quadratic_kappa", None, NO_VALID, "valid")
    cost = rank_distance(len(valid)) ** 2
    expected = np.outer(valid.sum(axis=1), valid.sum(axis=0)) / total
    value = 1 - ratio(float((cost * valid).sum()), float((cost * expected).sum()))
    return figure("quadratic_kappa", value, "people and predictions use one and the same code", form="valid")


def mae_rank(ranked: FloatArray, form: Form) -> Figure:
    """Mean distance in ranks; strict counts a prediction that is not valid as the worst possible one."""
    k = len(ranked)
    cost = float((rank_distance(k) * ranked[:, :-1]).sum())
    if form == "strict":
        cost += float(np.maximum(np.arange(k), k - 1 - np.arange(k)) @ ranked[:, -1])
    return figure("mae_rank", ratio(cost, row_totals(ranked, form).sum()), _nothing(form), form=form)


def adjacent_accuracy(ranked: FloatArray, form: Form) -> Figure:
    """Share of predictions at most one rank away; None for fewer than three codes."""
    if len(ranked) < 3:
        return Figure("adjacent_accuracy", None, "fewer than three codes", form)
    return _share_within("adjacent_accuracy", ranked, rank_distance(len(ranked)) <= 1, form)


def adjacent_best_constant(ranked: FloatArray) -> Figure:
    """The adjacent accuracy of the best single answer given to everyone."""
    if len(ranked) < 3:
        return Figure("adjacent_best_constant", None, "fewer than three codes", "strict")
    near = (rank_distance(len(ranked)) <= 1) @ ranked.sum(axis=1)
    return figure("adjacent_best_constant", ratio(near.max(), ranked.sum()), NO_ELIGIBLE, form="strict")


def _cut_figures(ranked: FloatArray, scale: Scale) -> list[Figure]:
    n_lower = scale.n_lower
    if n_lower is None:
        return []
    lower = np.arange(scale.k) < n_lower
    same_side = lower[:, None] == lower[None, :]
    figures = [_share_within("binary_cut_accuracy", ranked, same_side, form) for form in FORMS]
    low_share = ratio(ranked[lower].sum(), ranked.sum())
    larger = max(low_share, 1 - low_share)
    return [*figures, figure("binary_cut_best_constant", larger, NO_ELIGIBLE, form="strict")]


def _share_within(name: str, ranked: FloatArray, counts: BoolArray, form: Form) -> Figure:
    value = ratio(float((ranked[:, :-1] * counts).sum()), row_totals(ranked, form).sum())
    return figure(name, value, _nothing(form), form=form)


def _normalised(mae: Figure, k: int) -> Figure:
    value = math.nan if mae.value is None else ratio(mae.value, k - 1)
    reason = mae.reason if mae.reason is not None else "fewer than two codes"
    return figure("mae_rank_normalised", value, reason, form=mae.form)


def _nothing(form: Form) -> str:
    return NO_ELIGIBLE if form == "strict" else NO_VALID
