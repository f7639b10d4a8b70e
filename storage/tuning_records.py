"""Fine-tuning's records in a store: manifests, ledgers of jobs, the registry. Replaced only if unchanged since read."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from typing import Any

from pydantic import ValidationError

from schemas.errors import FormatError, NightpollError, StoreError, UserInputError
from schemas.run_paths import PRIVATE
from schemas.tuning import FORMAT_NO, Registry, TuningLedger, TuningManifest
from storage.revisions import change, read_revision
from storage.store import Store

_MANIFESTS = f"{PRIVATE}/tuning/manifests"
_JOBS = f"{PRIVATE}/tuning/jobs"
_REGISTRY = f"{PRIVATE}/registry"
_PRIVATE_MODE = 0o600


def keep_manifest(store: Store, manifest: TuningManifest) -> str:
    """Put a manifest into the store; returns its id. The same again changes nothing."""
    name = manifest.training.sha256[:32]
    store.put_if_absent(f"{_MANIFESTS}/{name}.json", manifest.model_dump_json().encode(), _PRIVATE_MODE)
    return name


def load_tuning_manifest(store: Store, name: str) -> TuningManifest:
    """A kept manifest.

    Raises:
        StoreError: it is missing or damaged.
    """
    rel = f"{_MANIFESTS}/{name}.json"
    try:
        return TuningManifest.model_validate_json(store.read_bytes(rel))
    except ValidationError as e:
        raise StoreError("the manifest of a tuned model is damaged.", where=store.where(rel)) from e


def job_key(*parts: str) -> str:
    """Key of a job: of what is trained on what."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def list_ledgers(store: Store) -> list[TuningLedger]:
    """All jobs, oldest first."""
    found = (load_ledger(store, key) for key in store.names(_JOBS))
    return sorted((ledger for ledger in found if ledger is not None), key=lambda ledger: ledger.created_at)


def readable_ledgers(store: Store, *, but: Collection[str] = ()) -> Iterator[TuningLedger]:
    """Jobs whose ledger can be read: for sums that one damaged file must not stop; commands about jobs tell of it.

    Args:
        store: with the jobs.
        but: keys of jobs that are not read.
    """
    for key in store.names(_JOBS):
        if key in but:
            continue
        try:
            ledger = load_ledger(store, key)
        except NightpollError:
            continue
        if ledger is not None:
            yield ledger


def load_ledger(store: Store, key: str) -> TuningLedger | None:
    """A job's ledger, None if there is none.

    Raises:
        StoreError: damaged. FormatError: of another version.
    """
    document = read_revision(store, f"{_JOBS}/{key}").document
    return _ledger(document, store, key) if document else None


def find_ledger(store: Store, name: str) -> TuningLedger:
    """The job whose key or id begins like this.

    Raises:
        UserInputError: none or several do.
    """
    all_of_them = list_ledgers(store)
    found = [each for each in all_of_them if each.key.startswith(name) or (each.job_id or "").startswith(name)]
    if len(found) != 1:
        hint = "`nightpoll finetune list` shows them." if all_of_them else "There is no job in this store yet."
        raise UserInputError(f"{len(found) or 'no'} jobs are called {name!r}.", hint=hint)
    return found[0]


def change_ledger(store: Store, key: str, edit: Callable[[TuningLedger | None], TuningLedger]) -> TuningLedger:
    """Change a ledger, or begin it; `edit` may be called again if somebody else was faster, and may raise."""

    def edited(document: dict[str, Any]) -> dict[str, Any]:
        before = _ledger(document, store, key) if document else None
        return edit(before).model_dump(mode="json")

    return _ledger(change(store, f"{_JOBS}/{key}", edited), store, key)


def results_path(key: str) -> str:
    """Where the results of a job are kept as CSV."""
    return f"{PRIVATE}/tuning/results/{key}.csv"


def load_registry(store: Store) -> Registry:
    """All registered models; empty if nothing was ever registered.

    Raises:
        StoreError: damaged. FormatError: of another version.
    """
    document = read_revision(store, _REGISTRY).document
    return _registry(document, store)


def change_registry(store: Store, edit: Callable[[Registry], Registry]) -> Registry:
    """Change the registry; `edit` may be called again if somebody else was faster, and may raise."""

    def edited(document: dict[str, Any]) -> dict[str, Any]:
        return edit(_registry(document, store)).model_dump(mode="json")

    return _registry(change(store, _REGISTRY, edited), store)


def _registry(document: dict[str, Any], store: Store) -> Registry:
    _check_format(document, store, _REGISTRY)
    try:
        return Registry.model_validate(document)
    except ValidationError as e:
        raise StoreError("the registry is damaged.", where=store.where(_REGISTRY)) from e


def _ledger(document: dict[str, Any], store: Store, key: str) -> TuningLedger:
    _check_format(document, store, key)
    try:
        return TuningLedger.model_validate(document)
    except ValidationError as e:
        raise StoreError("the ledger of a job is damaged.", where=store.where(f"{_JOBS}/{key}")) from e


def _check_format(document: dict[str, Any], store: Store, rel: str) -> None:
    if document.get("format_no", FORMAT_NO) != FORMAT_NO:
        what = f"format {document['format_no']!r} is not one this version reads ({FORMAT_NO})."
        raise FormatError(what, where=store.where(rel), hint="Use the nightpoll version that wrote it.")
