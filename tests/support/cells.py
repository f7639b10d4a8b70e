"""Cells made from plain lists."""

from collections.abc import Sequence

import numpy as np

from evaluation.reading.cells import ABSENT, Cell
from evaluation.reading.scale import Scale


def nominal(k: int) -> Scale:
    """Codes 1..k without an order."""
    codes = tuple(range(1, k + 1))
    return Scale(codes, codes, ordinal=False)


def ordinal(k: int, cut: int | None = None) -> Scale:
    """Codes 1..k in order."""
    codes = tuple(range(1, k + 1))
    return Scale(codes, codes, ordinal=True, cut=cut)


def cell_of(
    truth: Sequence[int],
    answer: Sequence[int],
    scale: Scale,
    *,
    weight: Sequence[float] | None = None,
    probabilities: np.ndarray | None = None,
    arm: str = "a",
) -> Cell:
    """A cell from positions (ABSENT for none), one row a respondent."""
    n = len(truth)
    answers = np.asarray(answer, dtype=np.int64)
    return Cell(
        arm=arm,
        question_id="q",
        scale=scale,
        respondent=np.arange(n),
        truth=np.asarray(truth, dtype=np.int64),
        truth_status=np.where(np.asarray(truth) == ABSENT, 1, 0),
        answer=answers,
        status=np.where(answers == ABSENT, 1, 0),
        weight=np.ones(n) if weight is None else np.asarray(weight, dtype=float),
        unit=np.ones(n),
        split=np.zeros(n, dtype=np.int64),
        in_sample=np.zeros(n, dtype=bool),
        simulated=np.zeros(n, dtype=bool),
        probabilities=probabilities,
    )
