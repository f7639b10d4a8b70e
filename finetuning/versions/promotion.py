"""Whether a candidate may replace what is in service: not worse on held-out respondents, and sound. Pure.

Source: the project's rule: the lower end of the 95 % interval of the paired difference in macro accuracy lies above
minus one point, likewise for the second measure, and no flag COLLAPSED or LOW_COVERAGE is new.
"""

from collections.abc import Sequence
from math import isnan
from typing import Literal, NamedTuple

from schemas.tuning import ACCURACY, TOTAL_VARIATION

MARGIN_POINTS = 1.0
MARGIN_LOSS = 0.01
"""Nats of log loss that count as no worse."""
MARGIN_VARIATION = 0.01
"""Total variation that counts as no worse: a hundredth of the people would have to answer otherwise."""


class Difference(NamedTuple):
    """Candidate minus rival, better being higher; `low` and `high` bound the paired 95 % interval."""

    measure: str
    value: float
    low: float
    high: float


class Evidence(NamedTuple):
    """What a promotion rests on.

    Attributes:
        accuracy: macro over questions, in [0, 1].
        second: log loss (its sign turned) where both have probabilities, else total variation likewise.
        new_flags: (question, flag) of the candidate that the rival does not have.
        n: held-out respondents.
        n_in_sample: respondents of the comparison that the candidate was tuned on; must be 0.
        simulated: an emulator answered.
        unproven: why nobody knows which respondents the candidate has seen; "" if it is proven.
    """

    accuracy: Difference
    second: Difference | None
    new_flags: Sequence[tuple[str, str]]
    n: int
    n_in_sample: int = 0
    simulated: bool = False
    unproven: str = ""


class Verdict(NamedTuple):
    """What comes of it; only `passes` promotes."""

    outcome: Literal["non_inferior", "inferior", "inconclusive", "unsound"]
    sentence: str

    @property
    def passes(self) -> bool:
        """It may be promoted."""
        return self.outcome == "non_inferior"


def judge(
    evidence: Evidence,
    *,
    candidate_is_simulated: bool,
    margin_points: float = MARGIN_POINTS,
    margin: float = MARGIN_LOSS,
    margin_variation: float = MARGIN_VARIATION,
) -> Verdict:
    """Judge a candidate.

    Args:
        evidence: of one evaluation.
        candidate_is_simulated: the candidate itself was trained by an emulator.
        margin_points: points of accuracy that count as no worse.
        margin: likewise nats of log loss.
        margin_variation: likewise of total variation, the second measure without probabilities.
    """
    if evidence.unproven or evidence.n_in_sample:
        seen = f"{evidence.n_in_sample} of its respondents were in the training files."
        return Verdict("unsound", evidence.unproven if evidence.unproven else seen)
    if evidence.simulated and not candidate_is_simulated:
        return Verdict("unsound", "an emulator answered: that says nothing about a real model.")
    checks = [(evidence.accuracy, margin_points / 100)]
    if evidence.second is not None:
        checks.append((evidence.second, margin_variation if evidence.second.measure == TOTAL_VARIATION else margin))
    worse = [d for d, most in checks if d.high < -most]
    if evidence.new_flags:
        told = ", ".join(f"{flag} at {question}" for question, flag in evidence.new_flags[:5])
        figure = f"; {_told(worse[0])}" if worse else ""
        return Verdict("unsound", f"the candidate is {told}{figure}.")
    if worse:
        return Verdict("inferior", f"worse: {_told(worse[0])}.")
    doubt = _doubt(checks, evidence.n)
    if doubt:
        return Verdict("inconclusive", f"inconclusive: {doubt}")
    told = "; ".join(_told(d) for d, _ in checks)
    return Verdict("non_inferior", f"not worse on {evidence.n:,} held-out respondents: {told}.")


def _doubt(checks: Sequence[tuple[Difference, float]], n: int) -> str:
    """Why the figures do not show that the candidate is no worse; "" if they do."""
    for difference, most in checks:
        if isnan(difference.low):
            return f"{difference.measure} is undefined on {n:,} held-out respondents."
        if difference.low <= -most:
            return f"{_told(difference)}; the lower end must lie above {_number(difference, -most)}."
    return ""


def _told(d: Difference) -> str:
    return f"{d.measure} {_number(d, d.value)} (95 % {_number(d, d.low)} to {_number(d, d.high)})"


def _number(d: Difference, value: float) -> str:
    return f"{100 * value:+.1f} points" if d.measure == ACCURACY else f"{value:+.4f}"
