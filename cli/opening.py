"""From a study to an open run: check, plan in a staging folder, move into place, reuse, open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from cli.arguments import study_file
from cli.console import err, print_problem
from cli.progress_bar import planning_bar
from producer.check import Checked, check
from producer.plan import plan_run
from producer.reuse import copy_reused
from schemas.errors import RunInUseError, UserInputError
from schemas.models import Model, Rollout
from schemas.run import RunManifest
from schemas.run_paths import PRIVATE, checked_run_id, run_json
from schemas.settings import Settings
from storage.runs import append_event, publish_run
from storage.store import Store, open_store, remove_tree
from storage.tuning_records import load_registry


@dataclass(frozen=True)
class Planned:
    """A plan in its staging folder, not yet a run."""

    manifest: RunManifest
    staging: str


def registered_models(settings: Settings) -> dict[str, Model]:
    """Registry name -> entry of the version in service, and NAME@VERSION of one that is rolled out beside it."""
    store = open_store(settings.store)
    found: dict[str, Model] = {}
    for name, model in load_registry(store).models.items():
        live = model.live()
        if live is None:
            continue
        found[name] = live.entry
        other = None if model.rollout is None else model.version(model.rollout[0])
        if other is not None and model.rollout is not None and other.version != live.version:
            beside = f"{name}@{other.version}"
            found[beside] = other.entry
            found[name] = live.entry.model_copy(update={"rollout": Rollout(model=beside, share=model.rollout[1])})
    return found


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


def new_run_id(study: str, now: datetime) -> str:
    """A name that sorts by time and is taken by nobody."""
    return f"{study}-{now:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"


def plan_into_staging(store: Store, checked: Checked, *, run_id: str | None, pilot: int | None) -> Planned:
    """Plan; the store's runs are untouched until `open_planned`.

    Raises:
        UserInputError: the run id is taken by a run that nobody holds.
    """
    now = datetime.now(UTC)
    name = new_run_id(checked.study.study, now) if run_id is None else checked_run_id(run_id)
    if store.exists(run_json(name)):
        raise UserInputError(
            f"there is a run {name!r} already.",
            where="--run-id", hint=f"`nightpoll resume {name}` goes on with it; or take another name.",
        )  # fmt: skip
    staging = f"{PRIVATE}/staging/{uuid4().hex}"
    try:
        with planning_bar() as progress:
            manifest = plan_run(
                checked, out_dir=store.path(staging), run_id=name, created_at=now, pilot=pilot, progress=progress
            )
    except BaseException:
        remove_tree(store, staging)
        raise
    return Planned(manifest, staging)


def open_planned(store: Store, planned: Planned, *, fresh: bool, detached: bool, priority: int = 1) -> None:
    """Make the plan a run, copy what earlier runs answered, and open it: from here the keeper works on it.

    Raises:
        RunInUseError: somebody took the name meanwhile.
    """
    run_id = planned.manifest.run_id
    if not publish_run(store, planned.staging, run_id):
        remove_tree(store, planned.staging)
        raise RunInUseError(f"another command has just opened {run_id!r}.")
    data: dict[str, object] = {"detached": detached, "priority": priority, "reused": 0}
    if not fresh and planned.manifest.study.reuse.scope != "none":
        reused = copy_reused(store, run_id, now=datetime.now(UTC))
        data |= {"reused": reused.n, "reused_by_run": reused.by_run}
        if reused.n:
            err.print(f"{reused.n:,} of {planned.manifest.totals.n_requests:,} requests were answered by earlier runs.")
    append_event(store, run_id, "opened", data)


def discard(store: Store, planned: Planned) -> None:
    """Forget a plan that was not wanted."""
    remove_tree(store, planned.staging)
