"""From a checked study to an open run: plan in a staging folder, move into place, reuse, open."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from producer.check import Checked
from producer.plan import plan_run
from producer.reuse import copy_reused
from schemas.errors import RunInUseError, UserInputError
from schemas.models import Model, Rollout
from schemas.run import RunManifest
from schemas.run_paths import PRIVATE, checked_run_id, run_json
from storage.runs import append_event, load_manifest, load_state, publish_run
from storage.store import Store, remove_tree
from storage.tuning_records import load_registry
from workers.batch.choice import choose_transports


@dataclass(frozen=True)
class Planned:
    """A plan in its staging folder, not yet a run."""

    manifest: RunManifest
    staging: str


def registered_models(store: Store) -> dict[str, Model]:
    """NAME -> entry of the version in service, with its rollout, and NAME@VERSION of each that is not retired."""
    found = registered_versions(store)
    for name, model in load_registry(store).models.items():
        live = model.live()
        if live is None:
            continue
        other = None if model.rollout is None else model.version(model.rollout[0])
        if other is not None and model.rollout is not None and other.version != live.version:
            beside = f"{name}@{other.version}"
            found[name] = live.entry.model_copy(update={"rollout": Rollout(model=beside, share=model.rollout[1])})
    return found


def registered_versions(store: Store) -> dict[str, Model]:
    """NAME@VERSION -> entry of every version that is not retired, and NAME -> that in service, without a rollout."""
    found: dict[str, Model] = {}
    for name, model in load_registry(store).models.items():
        found |= {f"{name}@{v.version}": v.entry for v in model.versions if v.state != "retired"}
        live = model.live()
        if live is not None:
            found[name] = live.entry
    return found


def new_run_id(study: str, now: datetime) -> str:
    """A name that sorts by time and is taken by nobody."""
    return f"{study}-{now:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"


def plan_study(
    store: Store,
    checked: Checked,
    *,
    run_id: str | None,
    pilot: int | None,
    progress: Callable[[int, int], None] | None,
) -> Planned:
    """Plan; the store's runs are untouched until `publish`.

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
        manifest = plan_run(
            checked, out_dir=store.path(staging), run_id=name, created_at=now, pilot=pilot, progress=progress
        )
    except BaseException:
        remove_tree(store, staging)
        raise
    return Planned(manifest, staging)


def publish(store: Store, planned: Planned) -> str:
    """Make the plan a run that is not open yet; its id.

    Raises:
        RunInUseError: somebody took the name meanwhile.
    """
    run_id = planned.manifest.run_id
    if not publish_run(store, planned.staging, run_id):
        remove_tree(store, planned.staging)
        raise RunInUseError(f"another command has just opened {run_id!r}.")
    return run_id


def open_run(
    store: Store,
    run_id: str,
    *,
    fresh: bool,
    detached: bool,
    priority: int = 1,
    deadline: datetime | None = None,
    guard: Callable[[], None] = lambda: None,
) -> int:
    """Copy what earlier runs answered, choose what was left open, and open a planned run: the keeper works on it.

    Safe to call again: an open run stays as it is.

    Args:
        store: with the run.
        run_id: of a run that is planned.
        fresh: ask everything anew.
        detached: nobody waits for it.
        priority: share of the queue beside other runs.
        deadline: for arms that have none.
        guard: called right before it is opened; raises if somebody else may be doing so.

    Returns:
        Requests that earlier runs answered.
    """
    if load_state(store, run_id).phase != "planned":
        return 0
    data: dict[str, object] = {"detached": detached, "priority": priority, "reused": 0}
    n_reused = 0
    if not fresh and load_manifest(store, run_id).study.reuse.scope != "none":
        reused = copy_reused(store, run_id, now=datetime.now(UTC))
        n_reused = reused.n
        data |= {"reused": reused.n, "reused_by_run": reused.by_run}
    choose_transports(store, run_id, deadline=deadline)
    guard()
    append_event(store, run_id, "opened", data)
    return n_reused
