"""Baselines: what uniform guessing, one constant answer, the human shares and a demographic logit would do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.cells import ABSENT, STATUSES, TRUTH_STATUSES, Cell, RunData
from evaluation.features import one_hot
from evaluation.figures import LOGIT, MAJORITY, MARGINAL, UNIFORM, Figure
from evaluation.folds import N_FOLDS, folds_of
from evaluation.logit import fit_out_of_fold
from evaluation.probability import entropy_nats
from evaluation.scale import Scale

FITTED = (MAJORITY, LOGIT)
"""Baselines with an answer for every respondent; the others have expected figures only."""


@dataclass(frozen=True)
class Baselines:
    """Fitted baselines of a run.

    Attributes:
        cells: (question, baseline) -> cell over every respondent with a human answer.
        notes: what a reader should know about the fits.
    """

    cells: Mapping[tuple[str, str], Cell]
    notes: list[str]

    def on(self, question: str, baseline: str, respondents: IntArray) -> Cell:
        """A baseline on some respondents only, so that an arm is compared on its own ground."""
        cell = self.cells[(question, baseline)]
        return cell.where(np.isin(cell.respondent, respondents))


def fit_baselines(run: RunData, *, progress: Callable[[str], None]) -> Baselines:
    """Fit majority and logit for every question, on all human answers of the run, out of fold."""
    folds = folds_of(run.respondent_ids)
    features = one_hot(run.fields, run.numeric_fields)
    cells: dict[tuple[str, str], Cell] = {}
    notes = []
    for question in run.questions:
        progress(f"baselines of {question}")
        base = everyone(run, question)
        truth = np.full(len(run.respondent_ids), ABSENT, dtype=np.int64)
        truth[base.respondent] = base.truth
        with threadpool_limits(limits=1):  # small products: on a busy machine threads only wait for each other
            fit = fit_out_of_fold(features, truth, folds, base.scale.k)
        constant = majority_out_of_fold(truth, folds, base.scale.k)
        cells[(question, MAJORITY)] = _answering(base, MAJORITY, constant[base.respondent])
        cells[(question, LOGIT)] = _with_probabilities(base, LOGIT, fit.probabilities[base.respondent])
        if fit.n_unconverged:
            notes.append(f"{question}: {fit.n_unconverged} of {N_FOLDS} logit fits did not converge.")
    return Baselines(cells, notes)


def everyone(run: RunData, question: str) -> Cell:
    """All respondents whose human answer to a question is known to the run, once each; without predictions."""
    asked = [cell for (q, _), cell in run.cells.items() if q == question]
    respondent = np.concatenate([c.respondent[c.eligible] for c in asked])
    respondent, first = np.unique(respondent, return_index=True)

    def joined(of: Callable[[Cell], np.ndarray]) -> np.ndarray:
        return np.concatenate([of(c)[c.eligible] for c in asked])[first]

    n = respondent.size
    return Cell(
        arm="",
        question_id=question,
        scale=run.scales[question],
        respondent=respondent,
        truth=joined(lambda c: c.truth),
        truth_status=np.full(n, TRUTH_STATUSES.index("answered"), dtype=np.int64),
        answer=np.full(n, ABSENT, dtype=np.int64),
        status=np.full(n, STATUSES.index("answered"), dtype=np.int64),
        weight=joined(lambda c: c.weight / c.unit),
        unit=np.ones(n),
        split=joined(lambda c: c.split),
        in_sample=np.zeros(n, dtype=np.bool_),
        simulated=np.zeros(n, dtype=np.bool_),
    )


def majority_out_of_fold(truth: IntArray, folds: IntArray, k: int) -> IntArray:
    """The most frequent answer of the other folds, unweighted, shape (R,); ties to the first in the codebook."""
    counts = np.array([np.bincount(truth[_known(truth) & (folds != f)], minlength=k) for f in range(N_FOLDS)])
    constant: IntArray = counts.argmax(axis=1)[folds]
    return constant


class Expected(NamedTuple):
    """A baseline that is known by its expected figures: the same shares as a forecast for everyone."""

    name: str
    shares: FloatArray
    accuracy: Figure
    log_loss: Figure


def expected_baselines(human: FloatArray, scale: Scale) -> list[Expected]:
    """Uniform guessing and sampling from the human shares, shape (K,)."""
    uniform = np.full(scale.k, 1 / scale.k)
    return [_expected(UNIFORM, uniform, human), _expected(MARGINAL, human, human)]


def _expected(name: str, forecast: FloatArray, human: FloatArray) -> Expected:
    used = human > 0
    loss = float(-(human[used] @ np.log(forecast[used]))) if name != MARGINAL else entropy_nats(human)
    return Expected(
        name,
        forecast,
        Figure("accuracy", float(forecast @ human), form="strict"),
        Figure("log_loss", loss),
    )


def _known(truth: IntArray) -> BoolArray:
    known: BoolArray = truth != ABSENT
    return known


def _answering(base: Cell, arm: str, answer: IntArray) -> Cell:
    return replace(base, arm=arm, answer=answer)


def _with_probabilities(base: Cell, arm: str, probabilities: FloatArray) -> Cell:
    """Argmax answers, ties to the first in the codebook, beside the probabilities."""
    answer = probabilities.argmax(axis=1) if len(probabilities) else np.zeros(0, dtype=np.int64)
    return replace(base, arm=arm, answer=answer, probabilities=probabilities)
