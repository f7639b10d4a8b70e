"""Whether a store can be used, tried on the spot: for `doctor`."""

import os
from uuid import uuid4

from schemas.errors import StoreError
from schemas.run_paths import PRIVATE
from storage.objects.address import found_credentials
from storage.store import Store


def probed(store: Store) -> str:
    """What was tried and found to work, for people: above all that a name that is taken is not written again.

    Raises:
        StoreError: it cannot be written, or does not keep that promise, on which everything rests.
    """
    rel = f"{PRIVATE}/probe-{uuid4().hex}"
    try:
        if not store.put_if_absent(rel, b"first") or store.put_if_absent(rel, b"second"):
            raise StoreError(
                "the store writes over files where it is asked not to.", where=store.uri,
                hint="Use one with conditional writes (If-None-Match: *), as S3 and Azure Blob storage have.",
            )  # fmt: skip
    finally:
        store.remove(rel)
    if store.is_local:
        return "can be written"
    told = found_credentials(store.uri.partition(":")[0], os.environ)
    return f"can be listed, written and removed from, {told}"
