"""Finding figures of one split by name, as the report shows them (weighted unless only counts exist)."""

from collections.abc import Iterable, Mapping

from evaluation.figures import MetricRow
from evaluation.subgroups.groups import GroupKey

_Key = tuple[str, str | None, str, str | None, str | None, str | None, GroupKey | None, bool]


class Lookup:
    """Rows of metrics.parquet by arm, question and metric."""

    def __init__(self, rows: Iterable[MetricRow], split: str) -> None:
        self._rows: Mapping[_Key, MetricRow] = {
            (r.arm, r.question_id, r.metric, r.form, r.level, r.arm_b, r.subgroup, r.weighted): r
            for r in rows
            if r.split == split
        }

    def row(
        self,
        arm: str,
        question: str | None,
        metric: str,
        form: str | None = None,
        *,
        level: str | None = None,
        arm_b: str | None = None,
        subgroup: GroupKey | None = None,
        weighted: bool = True,
    ) -> MetricRow | None:
        """The row, None if the metric was not computed there."""
        return self._rows.get((arm, question, metric, form, level, arm_b, subgroup, weighted))

    def value(self, arm: str, question: str | None, metric: str, form: str | None = None, **more: str) -> float | None:
        """Its value; None if undefined or not computed."""
        found = self.row(arm, question, metric, form, **more)  # type: ignore[arg-type]  # str keywords only
        return None if found is None else found.value

    def count(self, arm: str, question: str | None, metric: str, form: str | None = None) -> float | None:
        """An unweighted figure."""
        found = self.row(arm, question, metric, form, weighted=False)
        return None if found is None else found.value

    def where(self, metric: str, *, weighted: bool = True) -> list[MetricRow]:
        """All rows of a metric, in their order."""
        return [r for r in self._rows.values() if r.metric == metric and r.weighted == weighted]
