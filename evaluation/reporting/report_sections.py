"""Sections of the report: figures of one split as tables, in the order of the specification (section 4)."""

from collections.abc import Sequence

from evaluation.figures import GBDT, LOGIT, MAJORITY
from evaluation.measures.calibration import base_of
from evaluation.measures.joint import FIELDS, QUESTIONS
from evaluation.reading.coverage import HUMAN_COUNTS, MODEL_COUNTS
from evaluation.reporting.report_charts import is_shown
from evaluation.reporting.report_table import (
    SUPPRESSED_TEXT,
    ReportCell,
    ReportRow,
    ReportTable,
    flags,
    interval,
    number,
    percent,
    words,
)
from evaluation.reporting.report_worth import WorthSections
from evaluation.reporting.show import flags_text
from evaluation.subgroups.groups import SUPPRESSED_BELOW

_COUNT_WORDS = {
    "n_total": "Tasks",
    **{name: f"Person: {status.replace('_', ' ')}" for name, status in HUMAN_COUNTS.items()},
    "n_eligible": "With human answer",
    "n_valid": "Valid",
    **MODEL_COUNTS,
}


class Sections(WorthSections):
    """All tables of one split."""

    def headline(self) -> ReportTable:
        """First screen: accuracy beside its baselines, distance of the shares, flags."""
        headers = ["Question", "Arm", "n", "Right", "95 % interval", "Majority", "Logit", "TV", "Flags"]
        note = (
            "Weighted; missing and unreadable answers count as wrong. Majority: one constant answer. Logit: a plain "
            "model of the persona fields that never saw the person. TV: share of answers that would have to change."
        )
        return ReportTable(
            "Accuracy by question", headers, [self._headline(*key) for key in self._cells], note, cards=True
        )

    def calibrated(self) -> list[ReportTable]:
        """Arms made from probabilities, beside the arm they were made from, on the same test respondents."""
        headers = ["Question", "Arm", "n", "Right", "Log loss", "ECE", "TV"]
        rows = []
        for q, arm in self._derived:
            values = [self._lookup.value(arm, q, m) for m in ("log_loss", "ece", "tv")]
            accuracy = self._lookup.row(arm, q, "accuracy", "strict")
            n, right = (None, None) if accuracy is None else (accuracy.n, accuracy.value)
            cells = [number(n, 0), percent(right), *(number(v, 3) for v in values)]
            rows.append(ReportRow(base_of(arm), [words(q), words(arm), *cells]))
        note = "Maps fitted on validation respondents, scored on test respondents; +sampled draws one answer each."
        return [ReportTable("Calibrated arms", headers, rows, note)] if rows else []

    def coverage(self) -> ReportTable:
        """Where every task went."""
        counted = self._lookup.where("n_total", weighted=False)
        places = {(r.question_id, r.arm): None for r in counted if r.subgroup is None and is_shown(r.arm)}
        cells = [(q, arm) for q, arm in [*self._cells, *(p for p in places if p not in self._cells)] if q is not None]
        people, models = (
            [m for m in counts if any(self._lookup.count(arm, q, m) for q, arm in cells)]
            for counts in (HUMAN_COUNTS, MODEL_COUNTS)
        )
        shown = ["n_total", *people, "n_eligible", "n_valid", *models]
        rows = []
        for q, arm in cells:
            counts = [number(self._lookup.count(arm, q, m), 0) for m in shown]
            rows.append(
                ReportRow(arm, [words(q), words(arm), *counts, percent(self._lookup.count(arm, q, "coverage"))])
            )
        headers = ["Question", "Arm", *(_COUNT_WORDS[m] for m in shown), "Coverage"]
        note = (
            "Nothing is dropped: tasks are those whose person gave no answer to score against, by why, and those with "
            "one; of these the valid ones, and the others by what became of them. Uncoded: own words that fit no code."
        )
        return ReportTable("Coverage", headers, rows, note)

    def detail(self) -> ReportTable:
        """More figures of each cell."""
        headers = ["Question", "Arm", "Macro F1", "Kappa", "Skill over majority", "Skill over logit", "Trees (GBDT)",
                   "Log loss", "Log loss skill", "W1", "TV floor 95 %"]  # fmt: skip
        rows = [ReportRow(arm, [words(q), words(arm), *self._detail(q, arm)]) for q, arm in self._cells]
        note = (
            "Skill below 0 is worse than the baseline. Log loss needs probabilities. The floor: people against "
            "resamples of themselves."
        )
        return ReportTable("More figures", headers, rows, note)

    def collapse(self) -> ReportTable:
        """Variety of the answers, the logit's argmax among them."""
        headers = [
            "Question",
            "Arm",
            "Entropy ratio",
            "Effective answers",
            "Most frequent answer",
            "Codes used",
            "Flags",
        ]
        rows = []
        for q, arm in self._with_logit:
            scored = self._scores.cells[(q, arm)]
            values = [scored.measured.of_answers(m) for m in ("entropy_ratio", "effective_answers")]
            shares = [scored.measured.of_answers(m) for m in ("modal_share", "codes_used")]
            cells = [*(number(v, 2) for v in values), *(percent(s) for s in shares), flags(flags_text(scored))]
            rows.append(ReportRow("" if arm == LOGIT else arm, [words(q), words(arm), *cells]))
        return ReportTable(
            "Collapse",
            headers,
            rows,
            "Entropy ratio 1: as varied as people. The logit's own most likely answers stand below each question.",
        )

    def stereotypes(self) -> ReportTable:
        """Mean and extreme gaps of association."""
        headers = ["Arm", "With", "Mean gap", "Mean absolute gap", "Largest absolute gap", "Pairs"]
        rows = []
        for arm in dict.fromkeys(arm for _, arm in self._with_logit):
            for kind, said in ((FIELDS, "persona fields"), (QUESTIONS, "other questions")):
                found = [self._lookup.row(arm, None, m, "valid", level=kind) for m in
                         ("joint_gap_mean", "joint_gap_mean_abs", "joint_gap_max_abs")]  # fmt: skip
                if found[0] is not None:
                    values = [number(None if r is None else r.value, 3) for r in found]
                    rows.append(
                        ReportRow(
                            "" if arm == LOGIT else arm, [words(arm), words(said), *values, number(found[0].n, 0)]
                        )
                    )
        note = "Cramer's V of predictions minus that of people. Above 0 with persona fields: stereotyping."
        return ReportTable("Joint structure", headers, rows, note)

    def subgroups(self) -> list[ReportTable]:
        """One table of gaps."""
        rows = []
        for row in self._lookup.where("accuracy_gap"):
            if not is_shown(row.arm) or row.question_id is None:
                continue
            values = [
                row.value,
                *(
                    self._lookup.value(row.arm, row.question_id, m, level=row.level or "")
                    for m in ("accuracy_gap_over_majority", "accuracy_gap_over_logit")
                ),
            ]
            cells = [
                words(row.question_id),
                words(row.arm),
                words(row.level or ""),
                *(percent(v, signed=True) for v in values),
            ]
            rows.append(ReportRow(row.arm, cells))
        headers = ["Question", "Arm", "Variable", "Gap (points)", "Gap over own majority", "Gap over logit"]
        note = (
            "Largest minus smallest accuracy of groups. A raw gap mostly says how predictable groups are: read the "
            "columns to its right. Groups under 30 people are suppressed."
        )
        return [ReportTable("Gaps between groups", headers, rows, note)] if rows else []

    def confusion(self) -> list[ReportTable]:
        """One matrix an arm and question: what people of each answer were predicted to say."""
        return [self._confusion(q, arm) for q, arm in self._cells]

    def _confusion(self, q: str, arm: str) -> ReportTable:
        measured = self._scores.cells[(q, arm)].measured
        labels = self._scores.run.question_labels.get(q, {})
        names = [labels.get(code, str(code)) for code in measured.cell.scale.codes]
        rows = []
        for name, counts in zip(names, measured.tables[False], strict=True):
            total = float(counts.sum())
            small = total < SUPPRESSED_BELOW
            shares = [words(SUPPRESSED_TEXT) if small else percent(float(c) / total) for c in counts]
            rows.append(ReportRow(arm, [words(name), words(SUPPRESSED_TEXT) if small else number(total, 0), *shares]))
        return ReportTable(f"{q}, {arm}", ["Person said", "n", *names, "no valid answer"], rows)

    def _headline(self, q: str, arm: str) -> ReportRow:
        scored = self._scores.cells[(q, arm)]
        m = scored.measured
        if m.n_eligible < SUPPRESSED_BELOW:
            hidden: list[ReportCell] = [words(SUPPRESSED_TEXT)] * 6
            return ReportRow(arm, [words(q), words(arm), *hidden, flags(flags_text(scored))])
        rivals = [percent(scored.rivals[name].value("accuracy", "strict")) for name in (MAJORITY, LOGIT)]
        cells = [number(m.n_eligible, 0), percent(m.value("accuracy", "strict")), interval(scored.interval), *rivals]
        return ReportRow(arm, [words(q), words(arm), *cells, number(m.value("tv"), 3), flags(flags_text(scored))])

    def _detail(self, q: str, arm: str) -> Sequence[ReportCell]:
        at = self._lookup.value
        scored = self._scores.cells[(q, arm)]
        return [
            number(at(arm, q, "macro_f1", "strict"), 3),
            number(at(arm, q, "kappa", "valid"), 3),
            number(at(arm, q, "skill_over_majority", "strict"), 3),
            number(at(arm, q, "skill_over_logit", "strict"), 3),
            percent(scored.rivals[GBDT].value("accuracy", "strict")),
            number(at(arm, q, "log_loss"), 3),
            number(at(arm, q, "log_loss_skill"), 3),
            number(at(arm, q, "w1"), 3),
            number(at(arm, q, "floor_p95"), 3),
        ]
