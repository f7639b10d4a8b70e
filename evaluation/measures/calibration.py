"""Calibration: maps fitted on validation respondents, applied to test respondents; and answers drawn from them.

Calibrated arms and the sampled arm need no call. They exist for test respondents only, so that nothing they are scored
on was used to fit them.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.measures.probability import SMALLEST
from evaluation.reading.cells import ABSENT, SPLITS, STATUSES, Cell, RunData
from schemas.identity import unit_draw

TEMPERATURE, ISOTONIC, SAMPLED = "temperature", "isotonic", "sampled"
SEPARATOR = "+"
"""Between an arm and what was made of it; no arm's name holds one."""

MINIMUM_VALIDATION = 50
LOWEST_SHARE = 1e-3
"""Isotonic maps are flat at 0 where validation saw nothing; a share of 0 would cost an infinite log loss."""

_LOG_TEMPERATURES = (np.log(0.05), np.log(20.0))


def is_derived(arm: str) -> bool:
    """The arm was made from another arm's probabilities."""
    return SEPARATOR in arm


def base_of(arm: str) -> str:
    """The arm that a derived arm was made from."""
    return arm.partition(SEPARATOR)[0]


def with_calibrated_arms(run: RunData) -> tuple[RunData, list[str]]:
    """The run with derived arms, and notes on what could not be fitted; the same run if no arm has probabilities."""
    cells, notes = dict(run.cells), []
    for (question, arm), cell in run.cells.items():
        if cell.probabilities is None:
            continue
        known = _usable(cell) & (cell.split == SPLITS.index("validation"))
        if known.sum() < MINIMUM_VALIDATION:
            notes.append(f"{arm} on {question}: {known.sum()} validation answers are too few to calibrate it.")
            continue
        for derived in _derived(run, cell, known):
            cells[(question, derived.arm)] = derived
    return replace(run, cells=cells), notes


def fit_temperature(p: FloatArray, truth: IntArray) -> float:
    """The temperature of least log loss, 0.05..20; above 1 the probabilities were too sure of themselves.

    Args:
        p: shape (n, K).
        truth: shape (n,), positions.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks.
    """

    def loss(log_temperature: float) -> float:
        scaled = at_temperature(p, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(scaled[np.arange(truth.size), truth], SMALLEST)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x))


def at_temperature(p: FloatArray, temperature: float) -> FloatArray:
    """Probabilities to the power 1 / temperature, rows scaled to sum 1."""
    logits = np.log(np.maximum(p, SMALLEST)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled: FloatArray = raised / raised.sum(axis=1, keepdims=True)
    return scaled


def isotonic(p: FloatArray, truth: IntArray, new: FloatArray) -> FloatArray:
    """Rising maps of each code's probability, fitted one code against the rest, rows scaled to sum 1.

    Args:
        p: shape (n, K), of validation respondents.
        truth: shape (n,).
        new: shape (m, K), to be mapped.
    """
    mapped = np.empty_like(new)
    for k in range(p.shape[1]):
        rising = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        mapped[:, k] = rising.fit(p[:, k], (truth == k) * 1.0).predict(new[:, k])
    mapped = np.maximum(mapped, LOWEST_SHARE)
    scaled: FloatArray = mapped / mapped.sum(axis=1, keepdims=True)
    return scaled


def _derived(run: RunData, cell: Cell, known: BoolArray) -> Iterator[Cell]:
    assert cell.probabilities is not None
    p, truth = cell.probabilities[known], cell.truth[known]
    test = cell.where(cell.split == SPLITS.index("test"))
    assert test.probabilities is not None
    told: BoolArray = np.asarray(np.isfinite(test.probabilities).all(axis=1), dtype=np.bool_)
    cooled = np.full_like(test.probabilities, np.nan)
    cooled[told] = at_temperature(test.probabilities[told], fit_temperature(p, truth))
    rising = np.full_like(test.probabilities, np.nan)
    if told.any():
        rising[told] = isotonic(p, truth, test.probabilities[told])
    yield _answering(test, TEMPERATURE, cooled, told)
    yield _answering(test, ISOTONIC, rising, told)
    yield _sampled(run, test, cooled, told)


def _answering(test: Cell, kind: str, p: FloatArray, told: BoolArray) -> Cell:
    """Most likely codes, ties to the first in the codebook."""
    answer = np.where(told, np.nan_to_num(p).argmax(axis=1), ABSENT)
    return _as_arm(test, kind, answer, p)


def _sampled(run: RunData, test: Cell, p: FloatArray, told: BoolArray) -> Cell:
    """One answer drawn from each respondent's probabilities, seeded by names, never by order."""
    answer = np.full(test.truth.size, ABSENT, dtype=np.int64)
    repeat = np.arange(test.respondent.size) - np.searchsorted(test.respondent, test.respondent)
    for row in np.flatnonzero(told):
        one = run.respondent_ids[test.respondent[row]]
        draw = unit_draw("sampled-arm", run.study, test.arm, test.question_id, one, int(repeat[row]))
        answer[row] = min(int(np.searchsorted(np.cumsum(p[row]), draw, side="right")), test.scale.k - 1)
    return _as_arm(test, SAMPLED, answer, None)


def _as_arm(test: Cell, kind: str, answer: IntArray, p: FloatArray | None) -> Cell:
    status = np.where(answer == ABSENT, test.status, STATUSES.index("answered"))
    return replace(test, arm=f"{test.arm}{SEPARATOR}{kind}", answer=answer, status=status, probabilities=p)


def _usable(cell: Cell) -> BoolArray:
    assert cell.probabilities is not None
    usable: BoolArray = cell.eligible & np.isfinite(cell.probabilities).all(axis=1)
    return usable
