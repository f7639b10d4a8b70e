"""The verdict of the report's first screen: one or two sentences an arm that anybody can read."""

from evaluation.figures import LOGIT, Interval
from evaluation.flags import COLLAPSED, EQUALS_CONSTANT, IN_SAMPLE, WORSE_THAN_MAJORITY
from evaluation.reporting.verdict import with_logit
from evaluation.scoring import Scored, SplitScores

_SAID = {
    EQUALS_CONSTANT: "gives everyone the same answer",
    COLLAPSED: "is far less varied than people",
    WORSE_THAN_MAJORITY: "is right less often than one constant answer",
    IN_SAMPLE: "was tuned on some of these people",
}


def plain_verdict(scores: SplitScores, arm: str) -> str:
    """How an arm compares with a plain logit, then on which questions it fails."""
    own, around = scores.paired.accuracy(arm, None, weighted=True)
    if own.value is None:
        return "no respondent with an answer to score against."
    gap, interval = scores.paired.difference(arm, LOGIT, None, weighted=True)
    first = (
        f"right for {own.value:.0%} of people{_ends(around)}: {_standing(interval)} a plain logit of the same persona"
    )
    points = "" if gap.value is None else f" ({100 * gap.value:+.1f} points{_points(interval)})"
    cells = {q: s for (q, name), s in scores.cells.items() if name == arm}
    failures = [text for flag, said in _SAID.items() if (text := _failure(flag, said, cells))]
    return f"{first}{points}." + (f" It {'; it '.join(failures)}." if failures else "")


def _standing(gain: Interval | None) -> str:
    if gain is None:
        return "cannot be compared with"
    if gain.low > 0:
        return "better than"
    return "worse than" if gain.high < 0 else "not better than"


def _failure(flag: str, said: str, cells: dict[str, Scored]) -> str:
    """A failure with its questions; what the logit does is told where that changes the meaning."""
    flagged = {q: with_logit(flag, s).removeprefix(flag).strip() for q, s in cells.items() if flag in s.flags}
    if not flagged:
        return ""
    groups: dict[str, list[str]] = {}
    for question, remark in flagged.items():
        groups.setdefault(remark, []).append(question)
    places = "; ".join(f"{', '.join(qs)} {remark}".strip() for remark, qs in groups.items())
    return f"{said} on {places}"


def _ends(found: Interval | None) -> str:
    return "" if found is None else f" ({100 * found.low:.1f} to {100 * found.high:.1f} %)"


def _points(found: Interval | None) -> str:
    return "" if found is None else f", {100 * found.low:+.1f} to {100 * found.high:+.1f}"
