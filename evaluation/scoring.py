"""Scoring one split of a run: cells and baselines measured, compared on the same respondents, flagged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from evaluation.figures import LOGIT, MAJORITY, Interval
from evaluation.flags import Evidence, flags_of
from evaluation.inference.bootstrap import Draws
from evaluation.inference.comparison import Comparison, compare
from evaluation.inference.paired import Paired, resample
from evaluation.measures.calibration import base_of, is_derived
from evaluation.measures.measure import Measured, measure, respondents_of
from evaluation.reading.cells import Cell, RunData
from evaluation.reading.usage import Usage
from evaluation.rivals.baselines import FITTED, Baselines, tuned_logit
from evaluation.rivals.learning_curve import LearningCurve
from schemas.identity import seed_from

CellKey = tuple[str, str]
"""Question, arm."""


@dataclass(frozen=True)
class Scored:
    """One cell with everything said about it.

    Attributes:
        rivals: majority and logit, measured on the cell's own eligible respondents.
        interval: of the weighted strict accuracy.
        gain: of the weighted strict accuracy over each rival's.
        flags: of the cell; `logit_flags` those of the logit on the same respondents.
    """

    measured: Measured
    rivals: Mapping[str, Measured]
    interval: Interval | None
    gain: Mapping[str, Interval | None]
    flags: tuple[str, ...]
    logit_flags: tuple[str, ...]


@dataclass(frozen=True)
class SplitScores:
    """Scores of one split: arms first, then fitted baselines, in run order."""

    split: str
    cells: Mapping[CellKey, Scored]
    paired: Paired
    comparisons: Sequence[Comparison]
    run: RunData
    curves: Mapping[str, LearningCurve]


def draws_of(run: RunData) -> Draws:
    """The draws of a run: seeded by the study, so that two runs of one study are resampled alike."""
    return Draws(len(run.respondent_ids), run.n_draws, seed_from("bootstrap", run.study, run.n_draws), run.design)


def score_split(run: RunData, baselines: Baselines, split: str, *, progress: Callable[[str], None]) -> SplitScores:
    """Score all cells of a split; `all` is everyone."""
    progress(f"figures of split {split}")
    cells = {key: run.part(cell, split) for key, cell in {**run.cells, **baselines.cells}.items()}
    measured = {key: measure(cell) for key, cell in cells.items()}
    rivals = _Rivals(baselines, measured)
    beside = {key: rivals.of(key[0], cell) for key, cell in cells.items()}
    progress(f"resampling of split {split}")
    ground = {key: {name: m.cell for name, m in found.items()} for key, found in beside.items()}
    paired = resample(cells, ground, draws_of(run))
    scored = {key: _scored(key, measured[key], beside[key], paired, run.usage.get(key)) for key in cells}
    progress(f"comparing arms of split {split}")
    comparisons = compare(cells, pairs_of(run), draws_of(run))
    return SplitScores(split, scored, paired, comparisons, run, baselines.curves)


def pairs_of(run: RunData) -> list[tuple[str, str]]:
    """Arms with each other in study order, derived arms with theirs, then each arm with the baselines."""
    arms = [arm for arm in run.arms if not is_derived(arm)]
    among = [(a, b) for i, a in enumerate(arms) for b in arms[i + 1 :]]
    made = [(arm, base_of(arm)) for arm in run.arms if is_derived(arm)]
    against = [(arm, name) for arm in run.arms for name in FITTED]
    return [*among, *made, *against, *((arm, tuned_logit(arm)) for arm in run.trained_on)]


class _Rivals:
    """Baselines measured on the respondents of a cell; cells with the same respondents share them."""

    def __init__(self, baselines: Baselines, measured: Mapping[CellKey, Measured]) -> None:
        self._baselines = baselines
        whole = {key: m for key, m in measured.items() if key[1] in FITTED}
        self._known = {(q, arm, respondents_of(m.cell).tobytes()): m for (q, arm), m in whole.items()}

    def of(self, question: str, cell: Cell) -> dict[str, Measured]:
        respondents = respondents_of(cell)
        found = {}
        for name in FITTED:
            key = (question, name, respondents.tobytes())
            if key not in self._known:
                self._known[key] = measure(self._baselines.on(question, name, respondents))
            found[name] = self._known[key]
        return found


def _scored(
    key: CellKey, measured: Measured, rivals: Mapping[str, Measured], paired: Paired, usage: Usage | None
) -> Scored:
    question, arm = key
    _, interval = paired.accuracy(arm, question, weighted=True)
    gain = {}
    for name in FITTED:
        if name != arm:
            gain[name] = paired.difference(arm, name, question, weighted=True)[1]
    floor = paired.floor(arm, question, measured.cell.scale.k, weighted=True)[1].value
    majority = rivals[MAJORITY]
    gain_over_logit = gain.get(LOGIT)
    low = None if gain_over_logit is None else gain_over_logit.low
    seen = measured.cell.in_sample[measured.cell.eligible]
    mixed = (usage is not None and usage.n_origins > 1) or bool(seen.any() and not seen.all())
    own = flags_of(replace(_evidence(measured, majority, floor, low), mixed=mixed))
    logit_flags = flags_of(_evidence(rivals[LOGIT], majority, floor, None))
    return Scored(measured, rivals, interval, gain, own, logit_flags)


def _evidence(of: Measured, majority: Measured, floor: float | None, gain_low: float | None) -> Evidence:
    human = of.humans[True]
    eligible = of.cell.eligible
    return Evidence(
        n_eligible=of.n_eligible,
        n_codes_used=int((of.tables[False][:, :-1].sum(axis=0) > 0).sum()),
        coverage=of.value("coverage", weighted=False),
        accuracy=of.value("accuracy", "strict"),
        entropy_ratio=of.of_answers("entropy_ratio"),
        modal_share=of.of_answers("modal_share"),
        human_modal_share=None if human is None else float(human.max()),
        majority_accuracy=majority.value("accuracy", "strict"),
        logit_gain_low=gain_low,
        tv=of.value("tv"),
        floor_p95=floor,
        simulated=bool(of.cell.simulated.any()),
        in_sample=bool(of.cell.in_sample[eligible].any()),
    )
