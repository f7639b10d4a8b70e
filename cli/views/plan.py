"""What `plan` shows: tasks, requests, sharing, reuse, tokens, cost and time, before anything is spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.opening import checked_study, discard, plan_into_staging
from cli.views.console import err, out
from cli.views.cost import cost_words
from cli.views.hosting import hosting_lines
from cli.views.transport import Ways, is_open, show_ways, ways_of
from producer.planning.transport_choice import span
from producer.reuse import find_reusable
from schemas import run_paths
from schemas.run import PlanTotals
from schemas.settings import Settings
from storage.store import Store


@dataclass(frozen=True)
class PlanReport:
    """Totals of a plan that was made and thrown away.

    Attributes:
        reused: requests that earlier runs of the store answered already.
        reused_by_run: run -> how many of them.
        notes: earlier runs that could not be read.
        hosting: what deployments of tuned models cost by the hour, beside the calls.
    """

    study: str
    totals: PlanTotals
    reused: int
    reused_by_run: dict[str, int]
    notes: list[str]
    ways: Ways | None = None
    hosting: Sequence[str] = ()

    def document(self) -> dict[str, Any]:
        """For --json."""
        reuse = {"reused": self.reused, "reused_by_run": self.reused_by_run, "notes": self.notes}
        ways = {} if self.ways is None else {"transport": self.ways.document()}
        hosting = {"hosting": list(self.hosting)} if self.hosting else {}
        return {"study": self.study, **self.totals.model_dump(exclude={"loads"}), **reuse, **ways, **hosting}


def plan_report(
    store: Store,
    study: Path,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    pilot: int | None,
    now: datetime,
    deadline: datetime | None = None,
    budget_usd: float | None = None,
) -> PlanReport:
    """Plan in a staging folder, count, remove the folder. Calls no model and makes no run.

    Raises:
        StudyError: with every error found.
    """
    checked = checked_study(study, settings, environ)
    planned = plan_into_staging(store, checked, run_id=None, pilot=pilot)
    try:
        reusable = find_reusable(store, planned.manifest, Store(store.root), run_paths.plan(planned.staging), now=now)
        manifest, ways = planned.manifest, None
        budget_usd = checked.study.budget.run_usd if budget_usd is None else budget_usd
        if is_open(manifest.totals.loads) or deadline is not None:
            ways = ways_of(store, manifest, deadline=deadline, budget_usd=budget_usd, now=now)
    finally:
        discard(store, planned)
    name, reused = checked.study.study, dict(reusable.by_run)
    hosting = hosting_lines(store, checked.models, now)
    return PlanReport(name, manifest.totals, reusable.n, reused, list(reusable.skipped), ways, hosting)


def show_plan(report: PlanReport) -> None:
    """The report for people."""
    t = report.totals
    for name, text in _lines(report):
        out.print(f"{name:12} {text}", markup=False)
    for arm, n in t.relaxed_examples.items():
        out.print(f"{'examples':12} {arm}: {n:,} respondents have examples that match on fewer variables", markup=False)
    for line in report.hosting:
        out.print(line, markup=False)
    if report.ways is not None:
        show_ways(report.ways)
    for note in report.notes:
        err.print(f"not reused: {note}", markup=False)


def _lines(report: PlanReport) -> list[tuple[str, str]]:
    t = report.totals
    batched = t.batch_requests_by_model
    in_batches = [("batches", f"{_counts(batched)} of the requests, at the Batch API's price")] if batched else []
    return [
        ("respondents", f"{t.n_respondents:,}"),
        ("tasks", f"{t.n_tasks:,} ({_counts(t.tasks_by_arm)})"),
        ("requests", f"{t.n_requests:,} distinct ({_counts(t.requests_by_model)}), in {t.n_shards:,} shards"),
        *in_batches,
        ("sharing", _sharing(t)),
        ("reuse", _reuse(report)),
        ("tokens", f"{t.prompt_tokens:,} in prompts, about {t.completion_tokens:,} in answers"),
        ("cost", cost_words(t)),
        ("time", f"{'online: ' if batched else ''}at least {span(t.time_s)} at the stated quotas"),
    ]


def _counts(by_name: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in by_name.items()) if by_name else "none"


def _sharing(totals: PlanTotals) -> str:
    if totals.n_requests == 0:
        return "no request"
    return f"{totals.n_tasks / totals.n_requests:.2f} tasks a request"


def _reuse(report: PlanReport) -> str:
    if report.reused == 0:
        return "no request has been answered by an earlier run"
    runs = ", ".join(report.reused_by_run)
    told = "will not be asked again; cost and time below are those of asking all"
    return f"{report.reused:,} requests were answered by {runs} and {told}"
