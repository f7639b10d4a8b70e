"""Tables for a terminal, as plain strings; rounding happens here only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.figures import BASELINE, LOGIT, MAJORITY, Interval
from evaluation.measures.numeric import NumericCell
from evaluation.measures.numeric_scores import NumericScore
from evaluation.reading.cells import Cell
from evaluation.reading.coverage import HUMAN_COUNTS, MODEL_COUNTS, coverage_figures
from evaluation.reporting.verdict import with_logit
from evaluation.scoring import Scored, SplitScores

UNDEFINED = "–"


@dataclass(frozen=True)
class TextTable:
    """A table to print: a title, headers and rows of as many strings."""

    title: str
    headers: list[str]
    rows: list[list[str]]


def tables_of(
    scores: SplitScores, numeric: Mapping[tuple[str, str], NumericScore], arms: Sequence[str]
) -> list[TextTable]:
    """Coverage first, then the headline figures, then the baselines with their flags."""
    first = [coverage_table(scores, numeric, arms)] if scores.cells or numeric else []
    return [*first, headline_table(scores, arms), baseline_table(scores)] if scores.cells else first


def coverage_table(
    scores: SplitScores, numeric: Mapping[tuple[str, str], NumericScore], arms: Sequence[str]
) -> TextTable:
    """Where every task went; columns that are 0 everywhere are left out, except the first ones."""
    counts = ["n_total", *HUMAN_COUNTS, "n_eligible", "n_valid", *MODEL_COUNTS]
    cells: dict[tuple[str, str], tuple[Cell | NumericCell, float | None]] = {
        key: (s.measured.cell, s.measured.value("coverage", weighted=False)) for key, s in scores.cells.items()
    }
    cells |= {key: (s.cell, s.unweighted("coverage")) for key, s in numeric.items()}
    values = {key: _counts(cell, counts) for key, (cell, _) in cells.items() if key[1] in arms}
    kept = [
        i
        for i, name in enumerate(counts)
        if name in ("n_total", "n_eligible", "n_valid") or any(v[i] for v in values.values())
    ]
    headers = ["question", "arm", *(_count_header(counts[i]) for i in kept), "coverage"]
    rows = [[*key, *(f"{v[i]:,}" for i in kept), share_text(cells[key][1])] for key, v in values.items()]
    return TextTable(_titled("Coverage", scores), headers, rows)


def headline_table(scores: SplitScores, arms: Sequence[str]) -> TextTable:
    """One row a question and arm: weighted strict accuracy beside its baselines, and the shape of the answers."""
    headers = [
        "question", "arm", "n", "coverage", "accuracy", "95 %", "majority", "logit",
        "macro F1", "kappa", "TV", "entropy ratio", "flags",
    ]  # fmt: skip
    rows = [_headline(key, s) for key, s in scores.cells.items() if key[1] in arms]
    return TextTable(_titled("Accuracy and distribution (weighted, strict)", scores), headers, rows)


def baseline_table(scores: SplitScores) -> TextTable:
    """The same figures and flags for the baselines, so that the reader sees what any argmax does."""
    headers = [
        "question",
        "baseline",
        "accuracy",
        "95 %",
        "log loss",
        "TV",
        "TV of probabilities",
        "entropy ratio",
        "flags",
    ]
    rows = []
    for (question, arm), scored in scores.cells.items():
        if arm.startswith(BASELINE):
            m = scored.measured
            forecast = None if m.cell.probabilities is None else m.value("tv")
            distance = [number_text(m.of_answers("tv"), 3), number_text(forecast, 3)]
            shape = [*distance, number_text(m.of_answers("entropy_ratio"), 2)]
            loss = number_text(m.value("log_loss"), 3)
            name = arm.removeprefix(BASELINE)
            rows.append([question, name, *_accuracy(scored), loss, *shape, flags_text(scored)])
    return TextTable(
        _titled("Baselines, out of fold (TV and entropy ratio are those of their answers)", scores), headers, rows
    )


def flags_text(scored: Scored) -> str:
    """Flags of a cell with what the logit does."""
    return ", ".join(with_logit(flag, scored) for flag in scored.flags)


def share_text(value: float | None) -> str:
    """A share as percent with one decimal."""
    return UNDEFINED if value is None else f"{value:.1%}"


def number_text(value: float | None, decimals: int) -> str:
    """A number with fixed decimals."""
    return UNDEFINED if value is None else f"{value:.{decimals}f}"


def _headline(key: tuple[str, str], scored: Scored) -> list[str]:
    m = scored.measured
    rivals = [share_text(scored.rivals[name].value("accuracy", "strict")) for name in (MAJORITY, LOGIT)]
    return [
        *key,
        f"{m.n_eligible:,}",
        share_text(m.value("coverage", weighted=False)),
        *_accuracy(scored),
        *rivals,
        number_text(m.value("macro_f1", "strict"), 3),
        number_text(m.value("kappa", "valid"), 3),
        number_text(m.value("tv"), 3),
        number_text(m.of_answers("entropy_ratio"), 2),
        flags_text(scored),
    ]


def _accuracy(scored: Scored) -> list[str]:
    return [share_text(scored.measured.value("accuracy", "strict")), _interval_text(scored.interval)]


def _interval_text(interval: Interval | None) -> str:
    return UNDEFINED if interval is None else f"{100 * interval.low:.1f}-{100 * interval.high:.1f}"


def _counts(cell: Cell | NumericCell, names: Sequence[str]) -> list[int]:
    found = {figure.metric: figure.value for figure in coverage_figures(cell)}
    return [int(found[name] or 0) for name in names]


def _count_header(name: str) -> str:
    headers = {"n_total": "tasks", "n_eligible": "eligible", "n_valid": "valid"}
    return headers.get(name, name.removeprefix("n_").replace("_", " "))


def _titled(title: str, scores: SplitScores) -> str:
    return title if scores.split == "all" else f"{title}, {scores.split} split"
