"""Run folders: manifest, codebook, events."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import ValidationError

from schemas import run_paths
from schemas.codebook import Codebook
from schemas.errors import FormatError, StoreError, UserInputError
from schemas.events import Event, EventKind, RunState, fold
from schemas.run import RunManifest
from storage.store import Store

T = TypeVar("T", RunManifest, Codebook)

READABLE_FORMATS = (1, 2, 3)
"""2: a run with shards that go through the Batch API, which a reader of 1 would ask online; 3: with some whose
transport an event tells."""


_AT, _NEXT = "%Y%m%dT%H%M%S%f", timedelta(microseconds=1)


def list_run_ids(store: Store) -> list[str]:
    """Runs in the store, oldest name first; folders without run.json are none."""
    names = (n for n in store.names("") if store.exists(run_paths.run_json(n)))
    return sorted(names)


def load_manifest(store: Store, run_id: str) -> RunManifest:
    """run.json of a run, with `transport: auto` as it was chosen when the run opened.

    Raises:
        UserInputError: there is no such run.
        FormatError: another format. StoreError: damaged.
    """
    rel = run_paths.run_json(run_paths.checked_run_id(run_id))
    if not store.exists(rel):
        known = list_run_ids(store)
        hint = f"Runs here: {', '.join(known[-5:])}." if known else "There is no run in this store yet."
        raise UserInputError(f"there is no run {run_id!r}.", where=store.uri, hint=hint)
    manifest = _model(RunManifest, store, rel)
    if any(arm.transport == "auto" for arm in manifest.study.arms.values()):
        return manifest.placed(load_state(store, run_id).transports)
    return manifest


def load_codebook(store: Store, run_id: str) -> Codebook:
    """codebook.json of a run."""
    return _model(Codebook, store, run_paths.codebook(run_id))


def _model(kind: type[T], store: Store, rel: str) -> T:
    where = store.where(rel)
    try:
        data = json.loads(store.read_bytes(rel))
        format_no = data.get("format_no")
    except (ValueError, AttributeError) as e:
        raise StoreError("the file is damaged: it is not the JSON object it was written as.", where=where) from e
    if format_no not in READABLE_FORMATS:
        raise FormatError(
            f"format {format_no!r} is not one this version reads ({READABLE_FORMATS}).",
            where=where,
            hint="Use the nightpoll version that wrote it.",
        )
    try:
        return kind.model_validate(data)
    except ValidationError as e:
        raise StoreError(f"the file is damaged: {e.error_count()} fields do not fit.", where=where) from e


def append_event(store: Store, run_id: str, kind: EventKind, data: dict[str, Any] | None = None) -> Event:
    """Write one event; its file name sorts by time, and behind every event that is there.

    Hosts' clocks differ: a resume must not sort before the pause that it ends.
    """
    now, last = datetime.now(UTC), max(store.names(run_paths.events_dir(run_id)), default="")
    at = now if last < f"{now:{_AT}}" else datetime.strptime(f"{last.partition('-')[0]}+0000", f"{_AT}%z") + _NEXT
    event = Event(id=uuid4().hex[:12], at=at, kind=kind, data={} if data is None else data)
    name = f"{event.at:{_AT}}-{event.id}.json"
    store.put_if_absent(f"{run_paths.events_dir(run_id)}/{name}", event.model_dump_json().encode())
    store.ring()
    return event


def load_events(store: Store, run_id: str) -> list[Event]:
    """All events of a run, in order."""
    folder = run_paths.events_dir(run_id)
    events = []
    for name in store.names(folder):
        try:
            events.append(Event.model_validate_json(store.read_bytes(f"{folder}/{name}")))
        except ValidationError as e:
            raise StoreError("an event file is damaged.", where=store.where(f"{folder}/{name}")) from e
    return events


def last_event(store: Store, run_id: str) -> str:
    """Name of the last event's file, "" without one: another one says that something happened since."""
    return max(store.names(run_paths.events_dir(run_id)), default="")


def load_state(store: Store, run_id: str) -> RunState:
    """What the events of a run say."""
    return fold(load_events(store, run_id))


def publish_run(store: Store, staging: str, run_id: str) -> bool:
    """Move a planned run from its staging folder to its place; False if the name is taken."""
    return store.publish_folder(staging, run_paths.checked_run_id(run_id), last="run.json")
