"""From a version that failed to the one that answers the rest: decided once, written as an event of the run."""

from collections.abc import Iterator

from finetuning.versions.registry import withdraw
from schemas.events import RunState
from schemas.models import Model
from schemas.run import RunManifest
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store
from storage.tuning_records import load_registry
from workers.versions.answers_so_far import in_service

FAILED = "version_failed"
"""Code of the event that pauses a version's arms."""


def answering(state: RunState, name: str, planned: Model) -> Model:
    """The version that answers for a model of the plan now."""
    replaced = state.replacement(name)
    return planned if replaced is None else replaced.entry


def pause(store: Store, run_id: str, name: str, failing: Model, why: str) -> None:
    """Stop the arms of a version and say what puts the one before back; the others go on."""
    registry_name, version = named(failing)
    message = f"{failing.version} is paused: {why}. {_way_out(store, registry_name, version, run_id)}"
    append_event(store, run_id, "model_stopped", {"model": name, "message": message, "code": FAILED, "exit_code": 5})


def roll_back(store: Store, run_id: str, name: str, failing: Model, why: str) -> bool:
    """Put the version before back into service, for this run and those to come; False if there is none that fits.

    May be called again after a crash between its two steps: the registry changes once, and the event follows.
    """
    live = withdraw(store, *named(failing))
    if live is None or live.entry.family != failing.family:
        return False
    message = f"{failing.version} was rolled back: {why}. {live.entry.version} answers the rest."
    _write(store, run_id, name, live.entry, message)
    return True


def follow_registry(store: Store, run_id: str) -> None:
    """Before a resume: what was rolled back since a version's arms paused is answered by the version now in service."""
    manifest, state = load_manifest(store, run_id), load_state(store, run_id)
    for name, entry in list(_moved_on(store, manifest, state)):
        _write(store, run_id, name, entry, f"{entry.version} answers the rest for {name}.")


def named(entry: Model) -> tuple[str, str]:
    """Registry name and version of an entry."""
    name, _, version = ("" if entry.version is None else entry.version).rpartition("@")
    return name, version


def _moved_on(store: Store, manifest: RunManifest, state: RunState) -> Iterator[tuple[str, Model]]:
    paused = {name: model for name, model in in_service(manifest, state).items() if name in state.stopped_models}
    models = load_registry(store).models if paused else {}
    for name, planned in paused.items():
        now = answering(state, name, planned)
        registry_name, version = named(now)
        known = models.get(registry_name)
        live = None if known is None else known.live()
        is_rolled_out = known is not None and known.rollout is not None and known.rollout[0] == version
        if live is not None and live.version != version and not is_rolled_out and live.entry.family == now.family:
            yield name, live.entry


def _way_out(store: Store, name: str, version: str, run_id: str) -> str:
    known = load_registry(store).models.get(name)
    live = None if known is None else known.live()
    if known is None or live is None:
        return f"`nightpoll resume {run_id}` asks it again."
    resume = f"`nightpoll resume {run_id}` goes on"
    if live.version != version and (known.rollout is None or known.rollout[0] != version):
        return f"{name}@{live.version} is in service since; {resume} with it."
    if known.rollout is not None and live.version == version:
        return f"`nightpoll models rollback {name}`, twice (first the rollout ends), then {resume} with the one before."
    if known.rollout is None and known.previous is None:
        return f"There is no version before it; {resume} with it once it is mended."
    return f"`nightpoll models rollback {name}` puts the one before back, then {resume} with it."


def _write(store: Store, run_id: str, name: str, entry: Model, message: str) -> None:
    document = entry.model_dump(mode="json", exclude_none=True)
    append_event(store, run_id, "replaced", {"model": name, "entry": document, "message": message})
