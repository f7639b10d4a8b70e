"""From a study to an open run, as commands show it: warnings, a bar while it is planned, what was reused."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cli.arguments import study_file
from cli.console import err, print_problem
from cli.progress_bar import planning_bar
from producer.check import Checked, check
from schemas.models import Model
from schemas.settings import Settings
from storage.store import Store, remove_tree, seen_store
from workers import opening
from workers.opening import Planned, open_run, plan_study, publish

__all__ = ["Planned", "checked_study", "discard", "open_planned", "plan_into_staging", "registered_models"]


def registered_models(settings: Settings) -> dict[str, Model]:
    """What the registry of the settings' store offers: see `workers.opening.registered_models`."""
    return opening.registered_models(seen_store(settings.store, settings.cache))


def checked_study(study: Path, settings: Settings, environ: Mapping[str, str]) -> Checked:
    """The study, if it has no error; warnings are shown.

    Raises:
        StudyError: with every error found.
    """
    checked = check(study_file(study), settings.models, environ=environ, registered=registered_models(settings))
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
) -> None:
    """Make the plan a run, copy what earlier runs answered, and open it: from here the keeper works on it.

    Raises:
        RunInUseError: somebody took the name meanwhile.
    """
    run_id = publish(store, planned)
    n_reused = open_run(store, run_id, fresh=fresh, detached=detached, priority=priority, deadline=deadline)
    if n_reused:
        err.print(f"{n_reused:,} of {planned.manifest.totals.n_requests:,} requests were answered by earlier runs.")


def discard(store: Store, planned: Planned) -> None:
    """Forget a plan that was not wanted."""
    remove_tree(store, planned.staging)
