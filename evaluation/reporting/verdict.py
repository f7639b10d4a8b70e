"""The verdict: what a reader must know before any table, in plain words, gravest first."""

from collections.abc import Mapping, Sequence

from evaluation.figures import LOGIT, MAJORITY, Interval
from evaluation.flags import (
    BELOW_FLOOR,
    COLLAPSED,
    EQUALS_CONSTANT,
    IN_SAMPLE,
    LOW_COVERAGE,
    MIXED,
    NOT_BETTER_THAN_LOGIT,
    SHARED_WITH_LOGIT,
    SIMULATED_SERVICE,
    SMALL_CELL,
    SPLIT_BY_ROW,
    WORSE_THAN_MAJORITY,
)
from evaluation.reading.cells import RunData
from evaluation.scoring import Scored, SplitScores

_MEANING = {
    IN_SAMPLE: "the model was tuned on some of these respondents",
    MIXED: "answers of several models, or of people seen and not seen in tuning, in one figure",
    NOT_BETTER_THAN_LOGIT: "accuracy does not beat a logit on the persona fields",
    WORSE_THAN_MAJORITY: "accuracy is below that of one constant answer",
    EQUALS_CONSTANT: "everyone gets the same answer",
    COLLAPSED: "far less varied than people's answers",
    LOW_COVERAGE: "too many answers are missing, cannot be read, or fit no code of the codebook",
    SMALL_CELL: "fewer than 100 respondents to score against",
    BELOW_FLOOR: "answer shares cannot be told from a resample of the people (good)",
}
"""Flag -> what it says; in the order of the lines."""
ENOUGH_MASS = 0.9
"""Covered mass below this is told."""


def warning_lines(run: RunData) -> list[str]:
    """At most one line, before everything else: who answered, a split by row, and what is still open."""
    said = []
    if run.n_simulated:
        said.append(
            f"{SIMULATED_SERVICE}: an emulator gave {run.n_simulated} of {run.n_predictions} answers; "
            "the figures test the machinery and say nothing about a real model."
        )
    if run.replicates is not None:
        said.append(
            f"{SPLIT_BY_ROW}: people stand in training and in test with different questions, as in {run.replicates}; "
            "results on test rows are no results on new people."
        )
    pending, cancelled = run.count("pending"), run.count("cancelled")
    if pending:
        said.append(f"Unfinished: {pending} tasks pending; until they land they count as wrong.")
    if cancelled:
        said.append(f"Cancelled: {cancelled} tasks were never asked and count as wrong.")
    return [" ".join(said)] if said else []


def verdict_lines(scores: SplitScores, arms: Sequence[str]) -> list[str]:
    """One line of accuracy an arm, then one line a flag of it, with what the logit does where that matters."""
    lines = []
    for arm in arms:
        lines.append(_accuracy_line(scores, arm))
        lines += _reused_line(scores, arm)
        cells = {question: s for (question, name), s in scores.cells.items() if name == arm}
        for flag, meaning in _MEANING.items():
            flagged = {question: s for question, s in cells.items() if flag in s.flags}
            if flagged:
                places = ", ".join(_place(question, flag, s) for question, s in flagged.items())
                lines.append(f"{arm}: {flag} on {places}: {meaning}.")
        lines += _covered_line(arm, cells)
    return lines


def _covered_line(arm: str, cells: Mapping[str, Scored]) -> list[str]:
    shares = {question: s.measured.value("covered_mass", weighted=False) for question, s in cells.items()}
    low = {question: share for question, share in shares.items() if share is not None and share < ENOUGH_MASS}
    if not low:
        return []
    places = ", ".join(f"{question} ({share:.0%})" for question, share in low.items())
    rest = "what the service did not tell is split evenly between the options it may belong to"
    return [f"{arm}: covered mass on {places}: {rest}."]


def _reused_line(scores: SplitScores, arm: str) -> list[str]:
    used = [u for (_, name), u in scores.run.usage.items() if name == arm]
    n_reused, n = sum(u.n_reused for u in used), sum(sum(u.n_by_transport) for u in used)
    return [f"{arm}: {n_reused:,} of {n:,} answers were taken from earlier runs."] if n_reused else []


def with_logit(flag: str, scored: Scored) -> str:
    """The flag, followed by what the logit on the same respondents does where that changes its meaning."""
    remark = _remark(flag, scored)
    return f"{flag} ({remark})" if remark else flag


def _place(question: str, flag: str, scored: Scored) -> str:
    remark = _remark(flag, scored)
    return f"{question} ({remark})" if remark else question


def _remark(flag: str, scored: Scored) -> str:
    if flag not in SHARED_WITH_LOGIT or scored.measured.cell.arm in (LOGIT, MAJORITY):
        return ""
    return "the logit too" if flag in scored.logit_flags else "the logit is not"


def _accuracy_line(scores: SplitScores, arm: str) -> str:
    found, interval = scores.paired.accuracy(arm, None, weighted=True)
    if found.value is None:
        return f"{arm}: no respondent with an answer to score against."
    own = f"{arm}: right for {found.value:.1%} of respondents (mean over questions, weighted, strict"
    own += f"; 95 % interval {interval.low:.1%} to {interval.high:.1%})" if interval else ")"
    rivals = [_against(scores, arm, name, said) for name, said in ((MAJORITY, "majority"), (LOGIT, "logit"))]
    return f"{own}; {', '.join(rivals)}."


def _against(scores: SplitScores, arm: str, rival: str, said: str) -> str:
    gap, interval = scores.paired.difference(arm, rival, None, weighted=True)
    value = gap.value if gap.value is not None else 0.0
    return f"{100 * value:+.1f} points{_points(interval)} against the {said}"


def _points(interval: Interval | None) -> str:
    return f" ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})" if interval else ""
