"""Dates at which services stop: training before it is bought, tuned versions before they are put into service."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from cli.views.console import print_problem
from finetuning.deployments.tuned_entry import serves_until
from producer.checks.models import retirement, training_end
from schemas.errors import Problem, StudyError
from schemas.models import Model
from schemas.tuning import ModelVersion, RegisteredModel


def refuse_training(name: str, entry: Model, where: str) -> None:
    """Warn sixty days before the service stops training a model, or stops what would come of it; refuse after.

    Args:
        name: of the entry of the models file.
        entry: it.
        where: the models file.

    Raises:
        StudyError: a date has come.
    """
    served = entry.model_copy(update={"retires_on": serves_until(entry)})
    _say_or_refuse(
        [*training_end(name, entry, where, today=_today()), *retirement(name, served, where, today=_today())]
    )


def refuse_retired(label: str, entry: Model) -> None:
    """Likewise before a tuned version is deployed, promoted or rolled out.

    Args:
        label: NAME@VERSION, or another name for it.
        entry: of the version.

    Raises:
        StudyError: the service shut it down.
    """
    _say_or_refuse(retirement(label, entry, label, today=_today()))


def shutdown_warnings(name: str, model: RegisteredModel) -> list[str]:
    """A sentence on each version, not retired by us, whose shutdown is near or over."""
    kept = [version for version in model.versions if version.state != "retired"]
    return [problem.what for version in kept for problem in _of_version(name, version)]


def date_of(version: ModelVersion) -> dict[str, Any]:
    """When the service shuts a version down, for documents."""
    day = version.entry.retires_on
    return {"retires_on": None if day is None else day.isoformat()}


def _of_version(name: str, version: ModelVersion) -> Iterable[Problem]:
    return retirement(f"{name}@{version.version}", version.entry, "", today=_today())


def _say_or_refuse(problems: Iterable[Problem]) -> None:
    found = list(problems)
    errors = [problem for problem in found if problem.level == "error"]
    if errors:
        raise StudyError(errors)
    for problem in found:
        print_problem(problem)


def _today() -> date:
    return datetime.now(UTC).date()
