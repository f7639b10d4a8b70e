"""The overnight queue in the store: read it, and change it so that no other writer's change is lost."""

from collections.abc import Callable
from typing import Any

from schemas.overnight import QUEUE_DIR, OvernightQueue, queue_of
from storage.revisions import change, read_revision
from storage.store import Store


def read_queue(store: Store) -> OvernightQueue:
    """The queue as it is; empty if nothing was ever added.

    Raises:
        FormatError: another format. StoreError: damaged or unreadable.
    """
    return queue_of(read_revision(store, QUEUE_DIR).document, store.where(QUEUE_DIR))


def change_queue(store: Store, edit: Callable[[OvernightQueue], OvernightQueue]) -> OvernightQueue:
    """Replace the queue by what `edit` makes of it; `edit` may be called several times, and may raise."""
    where = store.where(QUEUE_DIR)

    def edited(document: dict[str, Any]) -> dict[str, Any]:
        queue = queue_of(document, where)
        return document if (after := edit(queue)) == queue else after.model_dump(mode="json")

    return queue_of(change(store, QUEUE_DIR, edited), where)


def has_open_entries(store: Store) -> bool:
    """Something is left to do in some night: somebody has to be there then."""
    return any(entry.is_open and not entry.held for entry in read_queue(store).entries)
