"""Numeric questions and position bias in words and tables, for the terminal and the report."""

from collections.abc import Mapping, Sequence

from evaluation.figures import BASELINE, Interval, MetricRow
from evaluation.measures.numeric_scores import MEANINGS, Key, NumericScore
from evaluation.reporting.report_table import SUPPRESSED_TEXT, ReportRow, ReportTable, flags, number, percent, words
from evaluation.reporting.show import UNDEFINED, TextTable, number_text, share_text
from evaluation.rivals.numeric_baselines import LINEAR, MEDIAN
from evaluation.subgroups.groups import SUPPRESSED_BELOW

_HEADERS = ["Question", "Arm", "n", "Mean error", "95 % interval", "Median", "Linear", "Correlation", "W1",
            "Mean, people", "Mean, answers", "SD ratio", "Flags"]  # fmt: skip


def numeric_lines(scores: Mapping[Key, NumericScore]) -> list[str]:
    """One line of error an arm and question, then one line a flag."""
    lines = []
    for (question, arm), score in scores.items():
        if arm.startswith(BASELINE):
            continue
        error = score.value("mae", "strict")
        if error is None:
            lines.append(f"{arm}: no respondent with a number to score {question} against.")
            continue
        gap = score.row("mae_difference", "strict", LINEAR)
        against = "" if gap is None or gap.value is None else f"; {gap.value:+.3g} against a regression on the persona"
        lines.append(f"{arm}: {question} is off by {error:.3g} on average (weighted, strict{against}).")
        lines += [f"{arm}: {flag} on {question}: {said}." for flag, said in MEANINGS.items() if flag in score.flags]
    return lines


def numeric_table(scores: Mapping[Key, NumericScore]) -> list[TextTable]:
    """The terminal's table; [] without numeric questions."""
    rows = []
    for (question, arm), score in scores.items():
        n, *cells = _texts(scores, question, score)
        rows.append([question, arm.removeprefix(BASELINE), n, *cells, ", ".join(score.flags)])
    return [TextTable("Numeric questions", [h.lower() for h in _HEADERS], rows)] if rows else []


def _texts(scores: Mapping[Key, NumericScore], question: str, score: NumericScore) -> list[str]:
    rivals = [_rival(scores, question, name) for name in (MEDIAN, LINEAR)]
    row = score.row("mae", "strict")
    return [
        f"{int(score.cell.eligible.sum()):,}",
        number_text(score.value("mae", "strict"), 2),
        _around(None if row is None else row.interval),
        *(number_text(value, 2) for value in rivals),
        number_text(score.value("correlation", "valid"), 3),
        number_text(score.value("w1"), 3),
        number_text(score.value("mean_human"), 2),
        number_text(score.value("mean_synthetic"), 2),
        number_text(score.value("sd_ratio"), 2),
    ]


def numeric_report(scores: Mapping[Key, NumericScore]) -> list[ReportTable]:
    """The report's table; cells under 30 people are suppressed."""
    rows = []
    for (question, arm), score in scores.items():
        shown = "" if arm.startswith(BASELINE) else arm
        named = [words(question), words(arm.removeprefix(BASELINE))]
        if int(score.cell.eligible.sum()) < SUPPRESSED_BELOW:
            hidden = [words(SUPPRESSED_TEXT)] * (len(_HEADERS) - 3)
            rows.append(ReportRow(shown, [*named, *hidden, flags(", ".join(score.flags))]))
            continue
        row = score.row("mae", "strict")
        values = [score.value("correlation", "valid"), score.value("w1")]
        means = [score.value(m) for m in ("mean_human", "mean_synthetic", "sd_ratio")]
        cells = [
            number(int(score.cell.eligible.sum()), 0),
            number(score.value("mae", "strict"), 2),
            words(_around(None if row is None else row.interval)),
            *(number(_rival(scores, question, name), 2) for name in (MEDIAN, LINEAR)),
            *(number(v, 3) for v in values),
            *(number(v, 2) for v in means),
        ]
        rows.append(ReportRow(shown, [*named, *cells, flags(", ".join(score.flags))]))
    note = (
        "Weighted. Mean error: distance to the person's own number; without an answer, the larger distance to a bound. "
        "Median: one number for everybody. Linear: a regression on the persona fields that never saw the person. W1: "
        "distance of the two distributions over the range."
    )
    return [ReportTable("Numeric questions", _HEADERS, rows, note)] if rows else []


def position_tables(rows: Sequence[MetricRow]) -> list[TextTable]:
    """The terminal's table of shares by place; [] where every arm shows one order."""
    found = _by_cell(rows)
    if not found:
        return []
    places = max(len(shares) for _, shares in found.values())
    told = [
        [
            question,
            arm,
            f"{n:,}",
            f"{100 * bias:+.1f}",
            *(share_text(s) for s in shares),
            *[""] * (places - len(shares)),
        ]
        for (question, arm), ((bias, n), shares) in found.items()
    ]
    headers = ["question", "arm", "replies", "first, points", *(f"place {k + 1}" for k in range(places))]
    return [TextTable("Answers by the place of the option (first: beyond what the options themselves explain)",
                      headers, told)]  # fmt: skip


def position_report(rows: Sequence[MetricRow]) -> list[ReportTable]:
    """The report's table of the same."""
    found = _by_cell(rows)
    if not found:
        return []
    places = max(len(shares) for _, shares in found.values())
    told = []
    for (question, arm), ((bias, n), shares) in found.items():
        cells = [number(n, 0), percent(bias, signed=True), *(percent(s) for s in shares)]
        told.append(ReportRow(arm, [words(question), words(arm), *cells, *[words("")] * (places - len(shares))]))
    headers = ["Question", "Arm", "Replies", "First option", *(f"Place {k + 1}" for k in range(places))]
    note = (
        "Share of replies that name the option at each place. First option: points beyond what the options themselves "
        "explain; 0 where only the option counts."
    )
    return [ReportTable("Answers by the place of the option", headers, told, note)]


def _by_cell(rows: Sequence[MetricRow]) -> dict[tuple[str, str], tuple[tuple[float, int], list[float]]]:
    """(question, arm) -> (bias, replies), shares by place."""
    found: dict[tuple[str, str], tuple[tuple[float, int], list[float]]] = {}
    for row in rows:
        if row.metric == "first_option_bias" and row.value is not None and row.question_id is not None:
            shares = [
                r.value
                for r in rows
                if (r.metric, r.arm, r.question_id) == ("position_share", row.arm, row.question_id)
                and r.value is not None
            ]
            found[row.question_id, row.arm] = ((row.value, row.n or 0), shares)
    return found


def _rival(scores: Mapping[Key, NumericScore], question: str, name: str) -> float | None:
    score = scores.get((question, name))
    return None if score is None else score.value("mae", "strict")


def _around(interval: Interval | None) -> str:
    return UNDEFINED if interval is None else f"{interval.low:.2f} to {interval.high:.2f}"
