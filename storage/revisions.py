"""A small mutable document: every state is a file of its own, and the highest revision is the state.

Revision n + 1 is created exclusively by whoever read revision n, so of several writers one wins and the others are
told to read again: no lock, nothing to break after a crash. The store needs no more than "create unless it is there",
which a folder and an object store both have.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.errors import StoreError
from storage.store import Store

KEPT = 50
"""Revisions that stay: history to look at, and far more than a slow writer can be behind."""
MOST_TRIES = 200


class Revision(NamedTuple):
    """A state as it was read.

    Attributes:
        number: 0 if nothing was ever written.
        document: empty then.
    """

    number: int
    document: dict[str, Any]


def read_revision(store: Store, folder: str) -> Revision:
    """The newest state of a document.

    Raises:
        StoreError: it cannot be read or is damaged.
    """
    while True:
        number = max(_numbers(store, folder), default=0)
        if number == 0:
            return Revision(0, {})
        try:
            data = store.read_bytes(_name(folder, number))
        except StoreError:
            if store.exists(_name(folder, number)):
                raise
            continue  # swept away by a writer that is far ahead: there is a newer one
        return Revision(number, _document(store, folder, number, data))


def replace_revision(store: Store, folder: str, base: Revision, document: dict[str, Any]) -> bool:
    """Make `document` the newest state unless somebody changed it since `base` was read; False if so."""
    number = base.number + 1
    data = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()
    if not store.put_if_absent(_name(folder, number), data):
        return False
    numbers = _numbers(store, folder)
    if max(numbers) >= number + KEPT:  # our base was so old that its real successor had been swept away
        store.remove(_name(folder, number))
        return False
    for old in sorted(numbers)[:-KEPT]:
        store.remove(_name(folder, old))
    return True


def change(store: Store, folder: str, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Read, edit and replace until no other writer came between; the document that was written.

    Args:
        store: where it lies.
        folder: of the document.
        edit: from the newest state (empty at first) to the next; may be called several times, may raise.

    Raises:
        StoreError: others were faster again and again.
    """
    for _ in range(MOST_TRIES):
        base = read_revision(store, folder)
        document = edit(json.loads(json.dumps(base.document)))
        if document == base.document or replace_revision(store, folder, base, document):
            return document
    raise StoreError("others change it all the time.", where=store.where(folder), hint="Try again.")


def _name(folder: str, number: int) -> str:
    return f"{folder}/r{number:09d}.json"


def _numbers(store: Store, folder: str) -> list[int]:
    names = (name for name in store.names(folder) if name.startswith("r") and name.endswith(".json"))
    return [int(name[1:-5]) for name in names if name[1:-5].isdigit()]


def _document(store: Store, folder: str, number: int, data: bytes) -> dict[str, Any]:
    where = store.where(_name(folder, number))
    try:
        document = json.loads(data)
    except ValueError as error:
        raise StoreError("the file is damaged: it is no JSON.", where=where) from error
    if not isinstance(document, dict):
        raise StoreError("the file is damaged: it is no JSON object.", where=where)
    return document
