"""Sections of the report on what an arm adds: paired comparison, value beside interviews, cost."""

import math

from evaluation.figures import LOGIT
from evaluation.measures.calibration import is_derived
from evaluation.reporting.report_charts import is_shown
from evaluation.reporting.report_lookup import Lookup
from evaluation.reporting.report_table import (
    ReportRow,
    ReportTable,
    interval,
    number,
    p_value,
    percent,
    words,
)
from evaluation.scoring import SplitScores


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


class WorthSections:
    """Tables of one split."""

    def __init__(self, scores: SplitScores, lookup: Lookup) -> None:
        self._scores, self._lookup = scores, lookup
        self._cells = [key for key in scores.cells if is_shown(key[1])]
        self._derived = [key for key in scores.cells if is_derived(key[1])]
        self._with_logit = [key for key in scores.cells if is_shown(key[1]) or key[1] == LOGIT]

    def comparison(self) -> ReportTable:
        """Pairs of arms, and arms with baselines."""
        headers = [
            "Question",
            "Arm",
            "Against",
            "Difference (points)",
            "95 % interval",
            "McNemar p (Holm)",
            "Smallest detectable",
            "Equivalent",
        ]
        points = self._scores.run.settings.equivalence_points
        rows = []
        for c in self._scores.comparisons:
            if c.question is None or is_derived(c.arm):
                continue
            gap = c.gaps[True]
            smallest = self._lookup.row(
                c.arm, c.question, "smallest_detectable_difference", "strict", arm_b=c.arm_b, weighted=False
            )
            against = words(c.arm_b.removeprefix("baseline:"))
            cells = [words(c.question), words(c.arm), against, percent(gap.value, signed=True),
                     interval(gap.interval, signed=True), p_value(c.p_holm),
                     percent(None if smallest is None else smallest.value, signed=True),
                     words("yes" if c.is_equivalent(points, weighted=True) else "no")]  # fmt: skip
            rows.append(ReportRow(c.arm, cells))
        note = f"On people both were asked about. Equivalent: the 90 % interval lies within {points:g} points."
        return ReportTable("Paired comparison", headers, rows, note)

    def value(self) -> ReportTable:
        """Effective sample size and what it costs."""
        labels = self._scores.run.settings.labels
        headers = [
            "Question",
            "Arm",
            "Effective sample size",
            "Interviews saved",
            "US$ per interview saved",
            "If trusted fully",
            "Logit's ESS",
            "Equivalent n",
        ]
        rows = []
        for q, arm in self._cells:
            values = [
                self._lookup.value(arm, q, m)
                for m in ("ess", "interviews_saved", "cost_per_effective_respondent", "ess_of_full_trust")
            ]
            equivalent = self._lookup.row(arm, q, "equivalent_n", "strict") or self._lookup.row(arm, q, "equivalent_n")
            told = (
                number(equivalent.value, 0)
                if equivalent is not None and equivalent.value is not None
                else words("" if equivalent is None else str(equivalent.reason))
            )
            cells = [
                number(values[0], 2),
                number(values[1], 0),
                number(values[2], 2),
                number(values[3], 2),
                number(self._lookup.value(LOGIT, q, "ess"), 2),
                told,
            ]
            rows.append(ReportRow(arm, [words(q), words(arm), *cells]))
        note = (
            f"Beside {labels:,} random interviews with and without these predictions (PPI++); 1.00 saves nothing. "
            "Below 1 when trusted fully: correcting the bias that way is worse than no predictions. Equivalent n: "
            "human answers the logit needs for the same accuracy."
        )
        return ReportTable("Value", headers, rows, note)

    def cost(self) -> ReportTable:
        """Cost, time and origin by arm."""
        headers = [
            "Arm",
            "Cost (US$)",
            "Tokens in",
            "Tokens out",
            "Median latency (s)",
            "95 % latency (s)",
            "Reused",
            "Imported",
        ]
        rows = []
        for arm in dict.fromkeys(arm for _, arm in self._scores.run.usage):
            used = [u for (_, name), u in self._scores.run.usage.items() if name == arm]
            bought = any(u.has_calls for u in used)
            totals = [
                sum(getattr(u, m) for u in used) if bought else None for m in ("cost_usd", "tokens_in", "tokens_out")
            ]
            slow = [
                max((getattr(u, m) for u in used), default=None) if bought else None
                for m in ("latency_p50_s", "latency_p95_s")
            ]
            n = [sum(u.n_by_transport[i] for u in used) for i in (2, 3)]
            cells = [
                number(totals[0], 4),
                number(totals[1], 0),
                number(totals[2], 0),
                *(number(_finite(s), 2) for s in slow),
                *(number(c, 0) for c in n),
            ]
            rows.append(ReportRow(arm, [words(arm), *cells]))
        return ReportTable(
            "Cost and latency", headers, rows, "All questions and splits; latency is that of the slowest question."
        )
