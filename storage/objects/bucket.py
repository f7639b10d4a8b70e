"""One bucket over HTTP: whole objects in and out, conditional writes, listings. Errors become ours, without addresses.

A write whose answer was lost is tried again and then finds its own object: each write carries a token by which its
writer knows it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PreconditionError,
)
from obstore.store import AzureStore, S3Store

from schemas.errors import StoreError
from storage.objects.address import Address, plain_http_allowed
from storage.objects.trouble import trouble

REQUEST_S = 10
"""Small objects and listings: longer means that nobody is there."""
TRANSFER_S = 600
"""A plan or a result of a large run; written in one request, since only so can it be conditional."""
LARGE_BYTES = 1 << 20
RETRY_S = 15
"""How long a request is tried again before it counts as failed."""
_WRITER = "nightpollwriter"


class Entry(NamedTuple):
    """An object in a listing: its name in the folder, when it was last written (seconds since 1970), its size."""

    name: str
    changed_s: float
    n_bytes: int


class Got(NamedTuple):
    """An object's bytes and its ETag."""

    data: bytes
    tag: str


class Bucket:
    """Objects below the prefix of an address; names as in `schemas.run_paths`. Safe to share among threads."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._allow_http = plain_http_allowed(address)
        with self._told("", "open"):
            self._small = self._client(REQUEST_S)
            self._reading = self._client(TRANSFER_S, silent_s=REQUEST_S)
            self._sending = self._client(TRANSFER_S)

    def get(self, name: str) -> Got | None:
        """A whole object, None if it is not there."""
        with self._told(name, "read"):
            try:
                found = obstore.get(self._reading, name)
                return Got(bytes(found.bytes()), str(found.meta["e_tag"]))
            except FileNotFoundError:
                return None

    def get_unless(self, name: str, tag: str | None) -> Got | None:
        """A whole object, None if it still is as it was when it had this ETag.

        Raises:
            StoreError: it is not there.
        """
        with self._told(name, "read"):
            try:
                found = obstore.get(self._reading, name, options={"if_none_match": tag} if tag else None)
                return Got(bytes(found.bytes()), str(found.meta["e_tag"]))
            except NotModifiedError:
                return None

    def create(self, name: str, data: bytes | Path) -> bool:
        """Write an object unless its name is taken; False if it was."""
        writer = uuid4().hex
        with self._told(name, "write"):
            try:
                obstore.put(self._sized(data), name, data, mode="create", attributes={_WRITER: writer})
            except AlreadyExistsError:
                return self._is_of(name, writer)
            return True

    def replace_if(self, name: str, data: bytes, tag: str | None) -> bool:
        """Write an object if it still has this ETag (None: if it is not there); False if it has not."""
        if tag is None:
            return self.create(name, data)
        writer = uuid4().hex
        with self._told(name, "write"):
            try:
                obstore.put(self._sized(data), name, data, mode={"e_tag": tag}, attributes={_WRITER: writer})
            except (PreconditionError, FileNotFoundError):
                return self._is_of(name, writer)
            return True

    def put(self, name: str, data: bytes | Path) -> None:
        """Write an object whatever was there."""
        with self._told(name, "write"):
            obstore.put(self._sized(data), name, data)

    def has(self, name: str) -> bool:
        """Whether there is an object of this name."""
        with self._told(name, "read"):
            try:
                obstore.head(self._small, name)
            except FileNotFoundError:
                return False
            return True

    def tag(self, name: str) -> str:
        """The ETag of an object, "" if it is not there."""
        with self._told(name, "read"):
            try:
                return str(obstore.head(self._small, name)["e_tag"])
            except FileNotFoundError:
                return ""

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects; those that are not there do not matter."""
        for name in names:
            with self._told(name, "write"):
                try:
                    obstore.delete(self._small, name)
                except FileNotFoundError:
                    continue

    def folder(self, name: str) -> tuple[list[Entry], list[str]]:
        """Objects and folders right below a folder; both empty if there is no such folder."""
        with self._told(name, "list"):
            found = obstore.list_with_delimiter(self._small, name or None)
        entries = [_entry(meta, name) for meta in found["objects"]]
        return entries, [_below(prefix, name) for prefix in found["common_prefixes"]]

    def everything(self, name: str) -> Iterator[Entry]:
        """All objects below a folder, at any depth; names relative to it."""
        with self._told(name, "list"):
            for chunk in obstore.list(self._small, name or None):
                yield from (_entry(meta, name) for meta in chunk)

    def _is_of(self, name: str, writer: str) -> bool:
        try:
            found = obstore.get(self._small, name, options={"head": True})
        except FileNotFoundError:
            return False
        return dict(found.attributes).get(_WRITER) == writer

    def _sized(self, data: bytes | Path) -> S3Store | AzureStore:
        n_bytes = data.stat().st_size if isinstance(data, Path) else len(data)
        return self._sending if n_bytes > LARGE_BYTES else self._small

    def _client(self, timeout_s: int, *, silent_s: int | None = None) -> S3Store | AzureStore:
        """`silent_s`: nothing more comes after so long."""
        options: Any = {
            "timeout": f"{timeout_s}s",
            "connect_timeout": "3s",
            "allow_http": self._allow_http,
            "user_agent": "nightpoll",
        } | ({"read_timeout": f"{silent_s}s"} if silent_s else {})
        retry: Any = {
            "max_retries": 4,
            "retry_timeout": timedelta(seconds=RETRY_S),
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
        }
        prefix = self._address.prefix or None
        if self._address.scheme == "s3":
            return S3Store(self._address.bucket, prefix=prefix, client_options=options, retry_config=retry)
        return AzureStore(
            self._address.bucket, prefix=prefix, account_name=self._address.account, client_options=options,
            retry_config=retry,
        )  # fmt: skip

    @contextmanager
    def _told(self, name: str, doing: str) -> Iterator[None]:
        where = f"{self._address.uri}/{name}" if name else self._address.uri
        try:
            yield
        except FileNotFoundError as e:
            raise StoreError(f"cannot {doing} the store: it is not there.", where=where) from e
        except (BaseError, OSError, ValueError) as e:
            # without its cause, which names headers and addresses
            raise trouble(e, scheme=self._address.scheme, where=where, doing=doing) from None


def _entry(meta: Any, folder: str) -> Entry:  # noqa: ANN401 - obstore's dictionary
    return Entry(_below(meta["path"], folder), meta["last_modified"].timestamp(), int(meta["size"]))


def _below(path: str, folder: str) -> str:
    return path[len(folder) :].lstrip("/")
