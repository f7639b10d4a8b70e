"""From a study to an open run, as commands show it: warnings, a bar while it is planned, what was reused."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from cli.arguments import study_file
from cli.views.console import err, print_problem
from cli.views.progress_bar import planning_bar
from producer.check import Checked, check
from schemas.models import Model
from schemas.settings import Settings
from schemas.study import Study
from storage.store import Store, remove_tree, seen_store
from workers import opening
from workers.opening import Planned, open_run, plan_study, publish

__all__ = [
    "Planned",
    "checked_study",
    "discard",
    "open_planned",
    "plan_into_staging",
    "registered_models",
    "registered_versions",
]


def registered_models(settings: Settings) -> dict[str, Model]:
    """What the registry of the settings' store offers: see `workers.opening.registered_models`."""
    return opening.registered_models(seen_store(settings.store, settings.cache))


def registered_versions(settings: Settings) -> dict[str, Model]:
    """Every version of the settings' store: see `workers.opening.registered_versions`."""
    return opening.registered_versions(seen_store(settings.store, settings.cache))


def checked_study(
    study: Path,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    registered: Mapping[str, Model] | None = None,
    revise: Callable[[Study], Study] | None = None,
) -> Checked:
    """The study, if it has no error; warnings are shown.

    Args:
        study: file or folder.
        settings: of the command.
        environ: where keys are looked up.
        registered: what the registry offers; None: what is in service.
        revise: what is made of the study as read.

    Raises:
        StudyError: with every error found.
    """
    offered = registered_models(settings) if registered is None else registered
    checked = check(study_file(study), settings.models, environ=environ, registered=offered, revise=revise)
    checked.raise_if_wrong()
    for problem in checked.problems:
        if problem.level == "warning":
            print_problem(problem)
    return checked


def plan_into_staging(store: Store, checked: Checked, *, run_id: str | None, pilot: int | None) -> Planned:
    """Plan; the store's runs are untouched until `open_planned`.

    Raises:
        UserInputError: the run id is taken by a run that nobody holds.
    """
    with planning_bar() as progress:
        return plan_study(store, checked, run_id=run_id, pilot=pilot, progress=progress)


def open_planned(
    store: Store,
    planned: Planned,
    *,
    fresh: bool,
    detached: bool,
    priority: int = 1,
    deadline: datetime | None = None,
    guard: Callable[[], None] = lambda: None,
) -> None:
    """Make the plan a run, copy what earlier runs answered, and open it: from here the keeper works on it.

    Raises:
        RunInUseError: somebody took the name meanwhile, or `guard` says that somebody may have.
    """
    guard()
    run_id = publish(store, planned)
    n_reused = open_run(
        store, run_id, fresh=fresh, detached=detached, priority=priority, deadline=deadline, guard=guard
    )
    if n_reused:
        err.print(f"{n_reused:,} of {planned.manifest.totals.n_requests:,} requests were answered by earlier runs.")


def discard(store: Store, planned: Planned) -> None:
    """Forget a plan that was not wanted."""
    remove_tree(store, planned.staging)
