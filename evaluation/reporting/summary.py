"""The evaluation in at most twenty lines, for a terminal."""

from evaluation.figures import BASELINE, LOGIT, MAJORITY
from evaluation.job import Evaluation
from evaluation.measures.calibration import is_derived
from evaluation.reporting.kinds_show import numeric_lines
from evaluation.reporting.report_verdict import plain_verdict
from evaluation.reporting.show import share_text
from evaluation.scoring import Scored, SplitScores

MOST_LINES = 20


def summary_lines(evaluation: Evaluation) -> list[str]:
    """Warnings, a sentence an arm, a line a question; of the first split evaluated. At most `MOST_LINES`."""
    scores = evaluation.scores[0]
    arms = dict.fromkeys(arm for _, arm in scores.cells if not arm.startswith(BASELINE) and not is_derived(arm))
    lines = [*evaluation.warnings, *(f"{arm}: {plain_verdict(scores, arm)}" for arm in arms)]
    lines += [_question_line(scores, q, list(arms)) for q in dict.fromkeys(q for q, _ in scores.cells)]
    lines += [line for scored in evaluation.numeric[:1] for line in numeric_lines(scored)]
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[: MOST_LINES - 1], f"... and {len(lines) - MOST_LINES + 1} more lines in the report."]


def _question_line(scores: SplitScores, question: str, arms: list[str]) -> str:
    told = {arm: scores.cells[(question, arm)] for arm in arms if (question, arm) in scores.cells}
    best = max(told, key=lambda arm: _accuracy(told[arm]))
    rivals = told[best].rivals
    said = [share_text(m.value("accuracy", "strict")) for m in (told[best].measured, rivals[MAJORITY], rivals[LOGIT])]
    return f"{question}: best arm {best} {said[0]}, majority {said[1]}, logit {said[2]}."


def _accuracy(scored: Scored) -> float:
    value = scored.measured.value("accuracy", "strict")
    return -1.0 if value is None else value
