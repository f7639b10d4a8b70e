"""Two arms side by side on respondents that neither model was tuned on: what a promotion is decided by."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.bootstrap import Columns, Draws
from evaluation.cells import Cell, RunData
from evaluation.flags import COLLAPSED, LOW_COVERAGE, LOW_ENTROPY_RATIO
from evaluation.job import Evaluation
from evaluation.probability import SMALLEST, entropy_nats
from evaluation.scoring import SplitScores, draws_of
from schemas.errors import UserInputError


class Gap(NamedTuple):
    """Arm minus rival; better is higher. `arm` and `rival` are the figures of each, means over questions."""

    measure: str
    value: float
    low: float
    high: float
    arm: float
    rival: float


class HeldOut(NamedTuple):
    """Figures of two arms on held-out respondents, weighted.

    Attributes:
        second: log loss with its sign turned where both have probabilities; None if either has not.
        new_flags: (question, flag) of the arm alone.
    """

    accuracy: Gap
    second: Gap | None
    new_flags: list[tuple[str, str]]
    n: int
    n_in_sample: int
    simulated: bool


def held_out(found: Evaluation, arm: str, rival: str) -> HeldOut:
    """Compare two arms, the rival being an arm or a baseline.

    Raises:
        UserInputError: the evaluation has no held-out split, or not both arms.
    """
    scores = next((s for s in found.scores if s.split in ("test", "held_out")), None)
    if scores is None:
        raise UserInputError("the evaluation has no held-out respondents.", hint="Evaluate with `--split test`.")
    names = {name for _, name in scores.cells}
    for name in (arm, rival):
        if name not in names:
            raise UserInputError(f"the run has no arm {name!r}.", hint=f"Arms: {', '.join(sorted(names))}.")
    questions = [q for q, name in scores.cells if name == arm and (q, rival) in scores.cells]
    cells = {(q, name): scores.cells[q, name].measured.cell for q in questions for name in (arm, rival)}
    draws = draws_of(scores.run)
    losses = [_loss(cells[q, arm]) is not None and _loss(cells[q, rival]) is not None for q in questions]
    second = _gap("log loss", scores.run, cells, questions, (arm, rival), draws) if all(losses) else None
    own = [cells[q, arm] for q in questions]
    everyone: set[int] = set()
    for cell in own:
        everyone |= set(cell.respondent[cell.eligible].tolist())
    return HeldOut(
        accuracy=_gap("accuracy", scores.run, cells, questions, (arm, rival), draws),
        second=second,
        new_flags=_new_flags(scores, questions, arm, rival),
        n=len(everyone),
        n_in_sample=sum(int(cell.in_sample.sum()) for cell in own),
        simulated=any(bool(cell.simulated.any()) for cell in own),
    )


def _new_flags(scores: SplitScores, questions: Sequence[str], arm: str, rival: str) -> list[tuple[str, str]]:
    """Flags that the rival does not have.

    COLLAPSED counts by the probabilities where the arm has them, and not where the demographic logit collapses, too:
    the likeliest answer of a weak signal is often the same for everybody.
    """
    found = []
    for q in questions:
        own, other = scores.cells[q, arm], scores.cells[q, rival]
        if LOW_COVERAGE in own.flags and LOW_COVERAGE not in other.flags:
            found.append((q, LOW_COVERAGE))
        collapsed = COLLAPSED in own.flags and COLLAPSED not in (*other.flags, *own.logit_flags)
        if collapsed and _is_narrow(own.measured.cell):
            found.append((q, COLLAPSED))
    return found


def _is_narrow(cell: Cell) -> bool:
    """Whether the shares an arm's probabilities add up to are far less varied than the human ones."""
    if cell.probabilities is None:
        return True
    kept = cell.eligible & np.isfinite(cell.probabilities).all(axis=1)
    mass = cell.mass(weighted=True)[kept]
    shares = mass @ cell.probabilities[kept]
    human = np.bincount(cell.truth[kept], weights=mass, minlength=cell.scale.k)
    if not shares.sum() or not human.sum():
        return True
    return bool(entropy_nats(shares / shares.sum()) < LOW_ENTROPY_RATIO * entropy_nats(human / human.sum()))


def _gap(
    measure: str,
    run: RunData,
    cells: dict[tuple[str, str], Cell],
    questions: Sequence[str],
    pair: tuple[str, str],
    draws: Draws,
) -> Gap:
    """Mean over questions of the weighted mean, arm minus rival, under the same draws."""
    columns = Columns(len(run.respondent_ids))
    for q in questions:
        for name in pair:
            cell = cells[q, name]
            score = _right(cell) if measure == "accuracy" else _loss(cell)
            assert score is not None, "both have probabilities"
            kept = cell.eligible & np.isfinite(score)
            mass = cell.mass(weighted=True) * kept
            columns.add(("score", q, name), cell.respondent, mass * np.where(kept, score, 0.0))
            columns.add(("mass", q, name), cell.respondent, mass)

    def mean(sums: object, name: str) -> FloatArray:
        parts = []
        for q in questions:
            top, mass = sums["score", q, name], sums["mass", q, name]  # type: ignore[index]  # ResampledSums
            parts.append(np.divide(top, mass, out=np.full_like(top, np.nan), where=mass > 0))
        all_parts = np.array(parts)
        n_known = np.isfinite(all_parts).sum(axis=0)
        total: FloatArray = np.nansum(all_parts, axis=0)
        averaged: FloatArray = np.divide(total, n_known, out=np.full_like(total, np.nan), where=n_known > 0)
        return averaged

    drawn, seen = columns.resampled(draws), columns.summed()
    gaps = mean(drawn, pair[0]) - mean(drawn, pair[1])
    own, other = (float(mean(seen, name)[0]) for name in pair)
    low, high = (float(x) for x in np.nanpercentile(gaps, [2.5, 97.5]))
    return Gap(measure, own - other, low, high, own, other)


def _right(cell: Cell) -> FloatArray:
    return np.asarray(cell.valid & (cell.answer == cell.truth), dtype=np.float64)


def _loss(cell: Cell) -> FloatArray | None:
    """Log p(truth) of each row: higher is better; NaN where there is no probability."""
    if cell.probabilities is None:
        return None
    rows = np.arange(cell.truth.size)
    chosen: FloatArray = np.log(np.maximum(cell.probabilities[rows, np.maximum(cell.truth, 0)], SMALLEST))
    return chosen
