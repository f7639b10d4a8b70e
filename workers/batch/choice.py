"""Which transport `transport: auto` becomes: looked up when a run opens, written down as an event, never changed."""

from collections.abc import Mapping
from datetime import UTC, datetime

from producer.planning.transport_choice import choose
from schemas.deadline import deadline_at
from schemas.decisions import TransportChoice
from schemas.run import RunManifest
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store
from workers.batch.history import batch_times


def choose_transports(store: Store, run_id: str, *, deadline: datetime | None = None) -> list[TransportChoice]:
    """Choose for every model of a run that has none yet, and record it; what was chosen before stays.

    Args:
        store: with the run.
        run_id: of a run that is not open yet.
        deadline: for models whose arms have none.

    Returns:
        All choices of the run.
    """
    manifest, state = load_manifest(store, run_id), load_state(store, run_id)
    for choice in choices_for(store, manifest, deadline=deadline, now=datetime.now(UTC)):
        if choice.model not in state.transports:
            append_event(store, run_id, "transport_chosen", choice.model_dump(mode="json"))
    return list(load_state(store, run_id).transports.values())


def choices_for(
    store: Store, manifest: RunManifest, *, deadline: datetime | None, now: datetime
) -> list[TransportChoice]:
    """What would be chosen at this moment; nothing if no arm leaves it open."""
    if not manifest.auto_shards:
        return []
    deadlines = _deadlines(manifest, deadline)
    left_s = {name: (deadline_at(text, manifest.created_at) - now).total_seconds() for name, text in deadlines.items()}
    return choose(
        manifest.models, manifest.totals.loads, batch_times(store), deadlines=deadlines, left_s=left_s, at=now
    )  # fmt: skip


def _deadlines(manifest: RunManifest, given: datetime | None) -> Mapping[str, str]:
    """Model -> deadline of its open arms, all of which say the same; else the one given."""
    found: dict[str, str] = {}
    for load in manifest.totals.loads:
        own = manifest.study.arms[load.arm].deadline
        text = own if own is not None else None if given is None else given.isoformat()
        if load.transport == "auto" and text is not None:
            found[load.model] = text
    return found
