"""Drift: did the same arms answer differently in a later run of the same study?"""

from dataclasses import dataclass, replace

import numpy as np

from evaluation.figures import Interval
from evaluation.inference.bootstrap import Columns, Draws, percentile_interval
from evaluation.inference.significance import holm, mcnemar_p
from evaluation.reading.cells import ABSENT, Cell, RunData
from evaluation.reading.load import load_run
from evaluation.scoring import draws_of
from schemas.errors import UserInputError
from storage.store import Store

DEFAULT_THRESHOLD_POINTS = 2.0


@dataclass(frozen=True)
class Drift:
    """One arm on one question, later run minus earlier run, on respondents that both cover.

    Attributes:
        n: respondents with a human answer in both.
        accuracy: weighted strict accuracy, later minus earlier, with its paired interval.
        agreement: weighted share of respondents with the same answer in both; None without a valid pair.
        share_shift: total variation between both runs' answers.
        p, p_holm: exact McNemar of right and wrong; adjusted over all arms and questions.
        mixed: models or versions differ within or between the runs.
        n_reused: answers of the later run that were not bought for it.
    """

    question: str
    arm: str
    n: int
    accuracy: float
    interval: Interval | None
    agreement: float | None
    share_shift: float | None
    p: float
    p_holm: float
    mixed: bool
    n_reused: int

    def exceeds(self, points: float) -> bool:
        """Accuracy moved by more than so many points beyond chance, or the answers' shares by more than twice that."""
        moved = abs(self.accuracy) * 100 > points and (
            self.interval is None or not self.interval.low <= 0 <= self.interval.high
        )
        return moved or (self.share_shift is not None and self.share_shift * 100 > 2 * points)


@dataclass(frozen=True)
class DriftReport:
    """Everything compared.

    Attributes:
        only_earlier, only_later: question and arm pairs of one run only.
        is_over: some drift exceeds the threshold (exit code 9).
    """

    drifts: list[Drift]
    only_earlier: list[tuple[str, str]]
    only_later: list[tuple[str, str]]
    threshold_points: float

    @property
    def is_over(self) -> bool:
        """A check said no."""
        return any(d.exceeds(self.threshold_points) for d in self.drifts)

    @property
    def lines(self) -> list[str]:
        """What moved, in words, the verdict first."""
        over = [d for d in self.drifts if d.exceeds(self.threshold_points)]
        verdict = f"{len(over)} of {len(self.drifts)} moved by more than {self.threshold_points:g} points."
        reused = [
            f"{d.arm} on {d.question}: {d.n_reused} answers were reused: they cannot drift."
            for d in self.drifts
            if d.n_reused
        ]
        return [verdict, *(_line(d) for d in over), *reused]


def compare_runs(
    store: Store, earlier: str, later: str, *, threshold_points: float = DEFAULT_THRESHOLD_POINTS
) -> DriftReport:
    """Compare two runs arm by arm and question by question.

    Raises:
        UserInputError: a run is missing or empty, or they share no question and arm.
        StoreError: a file is damaged.
    """
    runs = load_run(store, earlier), load_run(store, later)
    common = [key for key in runs[0].cells if key in runs[1].cells]
    if not common:
        raise UserInputError(
            f"{earlier} and {later} have no question and arm in common.", hint="Compare runs of one study."
        )
    found = [_drift(key, *runs) for key in common]
    adjusted = holm([d.p for d in found])
    return DriftReport(
        [replace(d, p_holm=float(p)) for d, p in zip(found, adjusted, strict=True)],
        [key for key in runs[0].cells if key not in runs[1].cells],
        [key for key in runs[1].cells if key not in runs[0].cells],
        threshold_points,
    )


def _drift(key: tuple[str, str], earlier: RunData, later: RunData) -> Drift:
    place = {one: i for i, one in enumerate(later.respondent_ids)}
    cells = _first(earlier.cells[key]), _first(later.cells[key])
    there = np.array([place.get(earlier.respondent_ids[r], ABSENT) for r in cells[0].respondent], dtype=np.int64)
    row_of = np.full(len(later.respondent_ids), ABSENT, dtype=np.int64)
    row_of[cells[1].respondent] = np.arange(cells[1].respondent.size)
    matched = np.where(there == ABSENT, ABSENT, row_of[there])
    a = cells[0].where(matched != ABSENT)
    b = cells[1].where(matched[matched != ABSENT])
    kept = a.eligible & b.eligible
    a, b = a.where(kept), b.where(kept)
    right = [c.valid & (c.answer == c.truth) for c in (a, b)]
    n10, n01 = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
    p = mcnemar_p(n10, n01)
    gap, interval = _gap(a, right[1].astype(np.float64) - right[0], draws_of(earlier))
    both = a.valid & b.valid
    agreement = float(a.weight[both] @ (a.answer == b.answer)[both] / a.weight[both].sum()) if both.any() else None
    used = [run.usage.get(key) for run in (earlier, later)]  # items of a select-all have none of their own
    mixed = any(one is not None and one.n_origins > 1 for one in used)
    reused = 0 if used[1] is None else used[1].n_reused
    return Drift(*key, a.truth.size, gap, interval, agreement, _shift(a, b), p, p, mixed, reused)


def _first(cell: Cell) -> Cell:
    _, first = np.unique(cell.respondent, return_index=True)
    return cell.where(np.asarray(first, dtype=np.int64))


def _gap(cell: Cell, gained: np.ndarray, draws: Draws) -> tuple[float, Interval | None]:
    if not cell.truth.size or not cell.weight.sum():
        return 0.0, None
    columns = Columns(draws.n_respondents)
    columns.add("gained", cell.respondent, cell.weight * gained)
    columns.add("all", cell.respondent, cell.weight)
    drawn = columns.resampled(draws)
    with np.errstate(invalid="ignore"):
        interval = percentile_interval(drawn["gained"] / drawn["all"], draws.method)
    return float(cell.weight @ gained / cell.weight.sum()), interval


def _shift(a: Cell, b: Cell) -> float | None:
    counts = [np.bincount(c.answer[c.valid], weights=c.weight[c.valid], minlength=c.scale.k) for c in (a, b)]
    if not all(c.sum() > 0 for c in counts):
        return None
    return float(np.abs(counts[0] / counts[0].sum() - counts[1] / counts[1].sum()).sum() / 2)


def _line(d: Drift) -> str:
    ends = "" if d.interval is None else f" ({100 * d.interval.low:+.1f} to {100 * d.interval.high:+.1f})"
    shift = "" if d.share_shift is None else f", shares by {100 * d.share_shift:.1f}"
    same = "" if d.agreement is None else f"; {d.agreement:.1%} answered alike"
    mixed = "; MIXED models or versions" if d.mixed else ""
    return f"{d.arm} on {d.question}: accuracy {100 * d.accuracy:+.1f} points{ends}{shift}{same}{mixed}."
