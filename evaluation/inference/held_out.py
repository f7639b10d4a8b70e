"""Two arms side by side on respondents that neither model was tuned on: what a promotion is decided by."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evaluation.arrays import FloatArray
from evaluation.flags import COLLAPSED, LOW_COVERAGE, LOW_ENTROPY_RATIO
from evaluation.inference.bootstrap import Columns, Draws, ResampledSums
from evaluation.job import Evaluation
from evaluation.measures.probability import SMALLEST, entropy_nats
from evaluation.reading.cells import Cell, RunData
from evaluation.scoring import SplitScores, draws_of
from schemas.errors import UserInputError
from schemas.tuning import ACCURACY, LOG_LOSS, TOTAL_VARIATION

_NOTHING_SAID = 1.0


class Gap(NamedTuple):
    """Arm minus rival; better is higher; NaN if nothing can be compared.

    `arm` and `rival` are the figures of each, means over questions.
    """

    measure: str
    value: float
    low: float
    high: float
    arm: float
    rival: float


class _Compared(NamedTuple):
    """Two arms at the questions that both were asked; `cells` by question and arm."""

    run: RunData
    cells: Mapping[tuple[str, str], Cell]
    questions: Sequence[str]
    arm: str
    rival: str
    draws: Draws


class HeldOut(NamedTuple):
    """Figures of two arms on held-out respondents, weighted.

    Attributes:
        second: log loss where both have probabilities at every question, else the total variation between what
            people and the arm answer; both with their sign turned.
        new_flags: (question, flag) of the arm alone.
        excused: questions at which the arm is flagged COLLAPSED and that does not count: why stands at `_judged_flags`.
    """

    accuracy: Gap
    second: Gap
    new_flags: list[tuple[str, str]]
    excused: list[str]
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
    if not questions:
        raise UserInputError(f"{arm!r} and {rival!r} were asked no question both.", hint="Compare arms of one study.")
    cells = {(q, name): scores.cells[q, name].measured.cell for q in questions for name in (arm, rival)}
    of = _Compared(scores.run, cells, questions, arm, rival, draws_of(scores.run))
    has_probabilities = all(cell.probabilities is not None for cell in cells.values())
    own = [cells[q, arm] for q in questions]
    flags, excused = _judged_flags(scores, questions, arm, rival)
    everyone: set[int] = set()
    for cell in own:
        everyone |= set(cell.respondent[cell.eligible].tolist())
    return HeldOut(
        accuracy=_gap(ACCURACY, of, _right),
        second=_gap(LOG_LOSS, of, _loss) if has_probabilities else _variation_gap(of),
        new_flags=flags,
        excused=excused,
        n=len(everyone),
        n_in_sample=sum(int(cell.in_sample.sum()) for cell in own),
        simulated=any(bool(cell.simulated.any()) for cell in own),
    )


def _judged_flags(
    scores: SplitScores, questions: Sequence[str], arm: str, rival: str
) -> tuple[list[tuple[str, str]], list[str]]:
    """Flags that the rival does not have, and questions at which the arm's COLLAPSED is no reason against it.

    COLLAPSED counts by the probabilities where the arm has them, and not where the demographic logit collapses, too:
    the likeliest answer of a weak signal is often the same for everybody.
    """
    found, excused = [], []
    for q in questions:
        own, other = scores.cells[q, arm], scores.cells[q, rival]
        if LOW_COVERAGE in own.flags and LOW_COVERAGE not in other.flags:
            found.append((q, LOW_COVERAGE))
        if COLLAPSED not in own.flags or COLLAPSED in other.flags:
            continue
        if COLLAPSED not in own.logit_flags and _is_narrow(own.measured.cell):
            found.append((q, COLLAPSED))
        else:
            excused.append(q)
    return found, excused


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


def _gap(measure: str, of: _Compared, score: Callable[[Cell], FloatArray | None]) -> Gap:
    """Mean over questions of the weighted mean of a score, arm minus rival, under the same draws."""
    columns = Columns(len(of.run.respondent_ids))
    for (q, name), cell in of.cells.items():
        scores = score(cell)
        assert scores is not None, "both have probabilities"
        kept = cell.eligible & np.isfinite(scores)
        mass = cell.mass(weighted=True) * kept
        columns.add(("score", q, name), cell.respondent, mass * np.where(kept, scores, 0.0))
        columns.add(("mass", q, name), cell.respondent, mass)

    def mean(sums: ResampledSums, q: str, name: str) -> FloatArray:
        return _ratio(sums["score", q, name], sums["mass", q, name])

    return _compared(measure, of, columns, mean)


def _variation_gap(of: _Compared) -> Gap:
    """Mean over questions of the distance between what people and an arm answer, its sign turned, likewise.

    An arm's shares are the mean of its probabilities where it has any, else its answers counted; one that says nothing
    is as far from people as can be.
    """
    columns = Columns(len(of.run.respondent_ids))
    for (q, name), cell in of.cells.items():
        mass = cell.mass(weighted=True)
        for code, said in enumerate(_said(cell).T):
            columns.add(("human", q, name, code), cell.respondent, mass * (cell.truth == code))
            columns.add(("said", q, name, code), cell.respondent, mass * said)

    def turned(sums: ResampledSums, q: str, name: str) -> FloatArray:
        codes = range(of.cells[q, name].scale.k)
        human, said = (np.array([sums[of_whom, q, name, code] for code in codes]) for of_whom in ("human", "said"))
        n_said = said.sum(axis=0)
        people, told = _ratio(human, human.sum(axis=0)), _ratio(said, n_said)
        apart: FloatArray = np.where(n_said > 0, np.abs(people - told).sum(axis=0) / 2, _NOTHING_SAID)
        return np.where(human.sum(axis=0) > 0, -apart, np.nan)

    return _compared(TOTAL_VARIATION, of, columns, turned)


def _said(cell: Cell) -> FloatArray:
    """What each eligible prediction adds to an arm's shares, shape (n, K); zeros where it says nothing."""
    if cell.probabilities is not None:
        known = cell.eligible & np.isfinite(cell.probabilities).all(axis=1)
        return np.where(known[:, None], cell.probabilities, 0.0)
    return np.asarray(cell.valid[:, None] & (cell.answer[:, None] == np.arange(cell.scale.k)), dtype=np.float64)


def _compared(
    measure: str, of: _Compared, columns: Columns, figure: Callable[[ResampledSums, str, str], FloatArray]
) -> Gap:
    """A figure of each question and arm as a gap: means over the questions in which it is defined."""

    def mean(sums: ResampledSums, name: str) -> FloatArray:
        parts = np.array([figure(sums, q, name) for q in of.questions])
        return _ratio(np.nansum(parts, axis=0), np.isfinite(parts).sum(axis=0))

    drawn, seen = columns.resampled(of.draws), columns.summed()
    gaps = mean(drawn, of.arm) - mean(drawn, of.rival)
    own, other = (float(mean(seen, name)[0]) for name in (of.arm, of.rival))
    known = gaps[np.isfinite(gaps)]
    low, high = (float(x) for x in np.percentile(known, [2.5, 97.5])) if known.size else (np.nan, np.nan)
    return Gap(measure, own - other, low, high, own, other)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
    return ratio


def _right(cell: Cell) -> FloatArray:
    return np.asarray(cell.valid & (cell.answer == cell.truth), dtype=np.float64)


def _loss(cell: Cell) -> FloatArray | None:
    """Log p(truth) of each row: higher is better; NaN where there is no probability."""
    if cell.probabilities is None:
        return None
    rows = np.arange(cell.truth.size)
    chosen: FloatArray = np.log(np.maximum(cell.probabilities[rows, np.maximum(cell.truth, 0)], SMALLEST))
    return chosen
