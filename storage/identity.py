"""A store's own name, made once: tells machines that see one store from those that only think so."""

import json
import secrets

from schemas.errors import StoreError
from schemas.run_paths import PRIVATE
from storage.store import Store

_FILE = f"{PRIVATE}/store.json"


def known_identity(store: Store) -> str | None:
    """The store's name; None if no worker ever started on it.

    Raises:
        StoreError: it cannot be read or is damaged.
    """
    found = store.read_tagged(_FILE)
    if found is None:
        return None
    try:
        return str(json.loads(found.data)["id"])
    except (ValueError, KeyError, TypeError) as e:
        raise StoreError(
            "the file is damaged.", where=store.where(_FILE), hint="Remove it: a worker makes it anew."
        ) from e


def identity(store: Store) -> str:
    """The store's name, made now if it has none; the same for everybody who asks.

    Raises:
        StoreError: it can be neither read nor written.
    """
    found = known_identity(store)
    if found is None:
        store.put_if_absent(_FILE, json.dumps({"format_no": 1, "id": secrets.token_hex(8)}).encode())
        found = known_identity(store)
    if found is None:
        raise StoreError("the store's name is gone as soon as it is written.", where=store.where(_FILE))
    return found
