"""Whether a version fails too often, beyond what chance would do. Pure.

Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927), 209-212.
"""

import math
from dataclasses import dataclass

from schemas.on_failure import OnFailure

Z = 3.5
"""Standard errors below the observed share: the same answers are looked at again and again while they come in."""


@dataclass(frozen=True)
class Tally:
    """Answers of one version.

    Attributes:
        requests: settled; failed: those of them without an answer.
        answers: answers that came; unread: those of them that name no option, or were cut.
    """

    requests: int = 0
    failed: int = 0
    answers: int = 0
    unread: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.requests + other.requests,
            self.failed + other.failed,
            self.answers + other.answers,
            self.unread + other.unread,
        )

    def without(self, before: "Tally") -> "Tally":
        """What came since an earlier count; never less than nothing, as a look may leave open journals out."""
        return Tally(
            max(0, self.requests - before.requests),
            max(0, self.failed - before.failed),
            max(0, self.answers - before.answers),
            max(0, self.unread - before.unread),
        )


def complaint(tally: Tally, rule: OnFailure) -> str | None:
    """What is wrong in one sentence; None while nothing is, or too little is known to say so.

    A rate counts as too high once the lower Wilson bound at `Z` lies above the threshold.
    """
    checks = (
        (tally.failed, tally.requests, rule.failed, "requests failed"),
        (tally.unread, tally.answers, rule.unparsed, "answers cannot be read"),
    )
    for bad, n, most, what in checks:
        if n >= rule.calls and lower_bound(bad, n) > most:
            return f"{bad:,} of {n:,} {what} ({bad / n:.0%}, at most {most:.0%} may)"
    return None


def lower_bound(bad: int, n: int, z: float = Z) -> float:
    """Lower end of the Wilson interval of a share; 0 for none of none."""
    if n == 0:
        return 0.0
    share, square = bad / n, z * z
    middle = share + square / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + square / n))
