"""What `check` shows: every problem at once, and what the study holds if nothing stops it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cli.arguments import study_file
from cli.views.console import out, print_problem
from producer.check import check
from schemas.errors import ExitCode, Problem, StudyError
from schemas.models import Model


@dataclass(frozen=True)
class Report:
    """A checked study as it is shown.

    Attributes:
        summary: counts and names; empty if the study could not be read.
    """

    problems: list[Problem]
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Nothing stops a run."""
        return not any(problem.level == "error" for problem in self.problems)

    @property
    def exit_code(self) -> ExitCode:
        """WRONG_INPUT if anything stops a run."""
        return ExitCode.DONE if self.is_ok else ExitCode.WRONG_INPUT

    def document(self) -> dict[str, Any]:
        """For --json."""
        return {"ok": self.is_ok, "problems": [asdict(problem) for problem in self.problems], **self.summary}


def report_of(
    study: Path, models: Path | None, environ: Mapping[str, str], registered: Mapping[str, Model] | None = None
) -> Report:
    """Check a study given as file or folder; a study that cannot be read is a report, too."""
    try:
        checked = check(study_file(study), models, environ=environ, registered=registered)
    except StudyError as error:
        return Report(list(error.problems))
    prepared = checked.prepared
    summary = {
        "study": checked.study.study,
        "respondents": None if prepared is None else len(prepared.respondents),
        "questions": list(checked.study.questions),
        "arms": list(checked.study.arms),
        "models": {name: model.model for name, model in checked.models.items()},
    }
    return Report(checked.problems, summary)


def show_report(report: Report) -> None:
    """Problems on stderr, errors first; the summary on stdout."""
    for problem in report.problems:
        print_problem(problem)
    if not report.is_ok:
        return
    s = report.summary
    models = ", ".join(f"{name} ({model_id})" for name, model_id in s["models"].items())
    out.print(f"ok: {s['study']}", markup=False)
    out.print(f"  respondents  {s['respondents']:,}", markup=False)
    out.print(f"  questions    {len(s['questions'])}: {', '.join(s['questions'])}", markup=False)
    out.print(f"  arms         {len(s['arms'])}: {', '.join(s['arms'])}", markup=False)
    out.print(f"  models       {models if models else 'none'}", markup=False)
