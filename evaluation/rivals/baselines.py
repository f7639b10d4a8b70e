"""Baselines: what guessing, one constant answer, the human shares, a demographic logit and boosted trees would do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.figures import GBDT, LOGIT, MAJORITY, MARGINAL, RICH, UNIFORM, Figure
from evaluation.measures.probability import entropy_nats
from evaluation.reading.cells import ABSENT, STATUSES, TRUTH_STATUSES, Cell, RunData
from evaluation.reading.scale import Scale
from evaluation.rivals.boosting import boosted_out_of_fold, tree_features
from evaluation.rivals.features import one_hot
from evaluation.rivals.folds import N_FOLDS, folds_of
from evaluation.rivals.learning_curve import LearningCurve, learning_curve
from evaluation.rivals.logit import fit_out_of_fold, predicted

FITTED = (MAJORITY, LOGIT, GBDT)
"""Baselines with an answer for every respondent that every arm is set beside; others have expected figures only."""


def tuned_logit(arm: str) -> str:
    """Name of the logit that was fitted on exactly the respondents an arm's model was tuned on."""
    return f"{LOGIT}:{arm}"


@dataclass(frozen=True)
class Baselines:
    """Fitted baselines of a run.

    Attributes:
        cells: (question, baseline) -> cell over every respondent with a human answer.
        notes: what a reader should know about the fits.
        curves: question -> learning curve of the logit.
    """

    cells: Mapping[tuple[str, str], Cell]
    notes: list[str]
    curves: Mapping[str, LearningCurve]

    def on(self, question: str, baseline: str, respondents: IntArray) -> Cell:
        """A baseline on some respondents only, so that an arm is compared on its own ground."""
        cell = self.cells[(question, baseline)]
        return cell.where(np.isin(cell.respondent, respondents))


def fit_baselines(run: RunData, *, progress: Callable[[str], None]) -> Baselines:
    """Fit the baselines of every question on all human answers of the run, out of fold; and their learning curves."""
    inputs = _inputs(run)
    found = []
    with threadpool_limits(limits=1):  # small products: on a busy machine threads only wait for each other
        for question in run.questions:
            progress(f"baselines of {question}")
            found.append(_of_question(run, inputs, question))
    cells = {(cell.question_id, cell.arm): cell for one in found for cell in one.cells}
    curves = {question: one.curve for question, one in zip(run.questions, found, strict=True)}
    return Baselines(cells, [note for one in found for note in one.notes], curves)


class _Inputs(NamedTuple):
    folds: IntArray
    one_hot: sparse.csr_matrix
    rich: sparse.csr_matrix | None
    trees: FloatArray
    categorical: list[bool]


class _Fitted(NamedTuple):
    cells: list[Cell]
    notes: list[str]
    curve: LearningCurve


def _inputs(run: RunData) -> _Inputs:
    rich = one_hot({**run.fields, **run.rich}, run.numeric_fields) if run.rich else None
    trees, categorical = tree_features(run.fields, run.numeric_fields)
    return _Inputs(folds_of(run.respondent_ids), one_hot(run.fields, run.numeric_fields), rich, trees, categorical)


def _of_question(run: RunData, inputs: _Inputs, question: str) -> _Fitted:
    base = everyone(run, question)
    truth = np.full(len(run.respondent_ids), ABSENT, dtype=np.int64)
    truth[base.respondent] = base.truth
    k, rows, folds = base.scale.k, base.respondent, inputs.folds
    fit = fit_out_of_fold(inputs.one_hot, truth, folds, k)
    boosted = boosted_out_of_fold(inputs.trees, inputs.categorical, truth, folds, k)
    cells = [
        replace(base, arm=MAJORITY, answer=majority_out_of_fold(truth, folds, k)[rows]),
        _with_probabilities(base, LOGIT, fit.probabilities[rows]),
        _with_probabilities(base, GBDT, boosted[rows]),
    ]
    if inputs.rich is not None:
        rich = fit_out_of_fold(inputs.rich, truth, folds, k)
        cells.append(_with_probabilities(base, RICH, rich.probabilities[rows]))
    known = {arm: seen[truth[seen] != ABSENT] for arm, seen in run.trained_on.items()}
    # a run that asked held-out respondents only does not know what the others said
    cells += [_tuned(base, inputs, truth, arm, run.trained_on[arm]) for arm, seen in known.items() if seen.size]
    curve = learning_curve(inputs.one_hot, truth, folds, k, run.respondent_ids, fit.probabilities)
    notes = [f"{question}: {fit.n_unconverged} of {N_FOLDS} logit fits did not converge."] if fit.n_unconverged else []
    return _Fitted(cells, notes, curve)


def _tuned(base: Cell, inputs: _Inputs, truth: IntArray, arm: str, seen: IntArray) -> Cell:
    """The logit on exactly the respondents that an arm's model was tuned on, answering for all others."""
    others = base.where(~np.isin(base.respondent, seen))
    train = seen[truth[seen] != ABSENT]
    p = predicted(inputs.one_hot, truth, train, others.respondent, base.scale.k)[0]
    return _with_probabilities(others, tuned_logit(arm), p)


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


def _with_probabilities(base: Cell, arm: str, probabilities: FloatArray) -> Cell:
    """Argmax answers, ties to the first in the codebook, beside the probabilities."""
    answer = probabilities.argmax(axis=1) if len(probabilities) else np.zeros(0, dtype=np.int64)
    return replace(base, arm=arm, answer=answer, probabilities=probabilities)
