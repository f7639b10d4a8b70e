"""Coverage: where every task of a cell went. Nothing is dropped silently."""

import numpy as np

from evaluation.figures import Figure
from evaluation.measures.numeric import NumericCell
from evaluation.reading.cells import STATUSES, TRUTH_STATUSES, Cell

UNCODED = "n_human_uncoded"
HUMAN_COUNTS = {**{f"n_human_{status}": status for status in TRUTH_STATUSES[1:]}, UNCODED: "uncoded"}
"""Tasks without a human answer to score against, by why; with `n_eligible` they add up to `n_total`. Uncoded: own words
in which the codebook finds none of its own."""

MODEL_COUNTS = {f"n_{status}": status for status in STATUSES[1:]}
"""Eligible tasks without a valid prediction, by why; with `n_valid` they add up to `n_eligible`."""


def coverage_figures(cell: Cell | NumericCell) -> list[Figure]:
    """Counts of tasks: all, eligible, by human status, valid, by model status."""
    eligible = cell.eligible
    counts = {"n_total": cell.truth.size, "n_eligible": int(eligible.sum()), "n_valid": int(cell.valid.sum())}
    human = np.bincount(cell.truth_status, minlength=len(TRUTH_STATUSES))
    model = np.bincount(cell.status[eligible], minlength=len(STATUSES))
    counts |= {name: int(human[TRUTH_STATUSES.index(s)]) for name, s in HUMAN_COUNTS.items() if name != UNCODED}
    counts[UNCODED] = int((~eligible & (cell.truth_status == TRUTH_STATUSES.index("answered"))).sum())
    counts |= {name: int(model[STATUSES.index(s)]) for name, s in MODEL_COUNTS.items()}
    return [Figure(name, float(count)) for name, count in counts.items()]
