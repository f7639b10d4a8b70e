"""The store on a local folder: every write is whole or absent.

Durability: scratch file in the same folder, fsync, then link or rename. A crash leaves at most a scratch file whose
name starts with a dot; readers never see it.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from schemas.errors import StoreError
from schemas.run_paths import PRIVATE, run_json
from storage.local_files import sole_writer, sync
from storage.trouble import store_error

DEFAULT_MODE = 0o644


class Tagged(NamedTuple):
    """A file's bytes and a tag that changes when they do."""

    data: bytes
    tag: str


class Store:
    """A folder that holds runs. Paths are relative, with forward slashes (see `schemas.run_paths`).

    Attributes:
        root: the folder; of a store elsewhere, this host's folder for copies and for what is not finished.
        uri: its address, as NIGHTPOLL_STORE takes it.
        is_local: files are written in place; False: other hosts may write, and locks on files mean nothing.
        look_every_s: how often it is polite to look for what others wrote.
    """

    is_local = True
    look_every_s = 0.5

    def __init__(self, root: Path, uri: str | None = None) -> None:
        self.root = root
        self.uri = str(root) if uri is None else uri

    def path(self, rel: str) -> Path:
        """The file or folder of a relative path on this host; nothing is fetched."""
        return self.root / rel

    def where(self, rel: str) -> str:
        """The name of a file or folder for people."""
        return str(self.path(rel))

    def fetched(self, rel: str) -> Path:
        """A file on this host with the newest content of `rel`, for reading only.

        Raises:
            StoreError: a store elsewhere has none, or cannot be reached.
        """
        return self.path(rel)

    @contextmanager
    def fetched_folder(self, rel_dir: str, ending: str = "") -> Iterator[Path]:
        """A folder with everything (of that ending, at least) below `rel_dir`, for reading while the block lasts."""
        yield self.path(rel_dir)

    def run_life(self, run_id: str, *, anew: bool = False) -> str:
        """Changes when a run was removed and planned again under its name; "" while there is none.

        What is remembered of a run's files is remembered under it.

        Args:
            run_id: of the run.
            anew: do not be content with what was seen seconds ago: something new begins.

        Raises:
            StoreAwayError: the store cannot be reached.
        """
        del anew
        try:
            seen = self.path(run_json(run_id)).stat()
        except OSError:
            return ""
        return f"{seen.st_ino}-{seen.st_mtime_ns}"

    def ring(self) -> None:
        """Tell readers of `bell` that an event was added."""

    def bell(self) -> str:
        """Changes with each `ring`, where looking into every run would cost too much."""
        return ""

    def keep(self, rel: str) -> None:
        """A file that was written in place at `path` counts from now on."""

    def exists(self, rel: str) -> bool:
        """Whether something is there."""
        return self.path(rel).exists()

    def read_bytes(self, rel: str) -> bytes:
        """A whole file.

        Raises:
            StoreError: it is missing or cannot be read.
        """
        try:
            return self.path(rel).read_bytes()
        except OSError as e:
            raise store_error(e, self.path(rel), "read") from e

    def names(self, rel_dir: str) -> list[str]:
        """Names in a folder, sorted, without scratch files; empty if there is no such folder."""
        try:
            return sorted(p.name for p in self.path(rel_dir).iterdir() if not p.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as e:
            raise store_error(e, self.path(rel_dir), "list") from e

    def changed_s(self, rel_dir: str) -> dict[str, float]:
        """When each file of a folder was last written, in seconds since 1970."""
        found = {}
        for name in self.names(rel_dir):
            with suppress(FileNotFoundError):
                found[name] = self.path(f"{rel_dir}/{name}").stat().st_mtime
        return found

    def n_bytes(self, rel_dir: str) -> int:
        """Size of everything below a folder."""
        return sum(p.lstat().st_size for p in self.path(rel_dir).rglob("*") if p.is_file() and not p.is_symlink())

    def read_tagged(self, rel: str) -> Tagged | None:
        """A whole file with the tag that `replace_if_match` wants; None if it is not there."""
        if not self.exists(rel):
            return None
        data = self.read_bytes(rel)
        return Tagged(data, hashlib.sha256(data).hexdigest())

    def replace_if_match(self, rel: str, data: bytes, tag: str | None) -> bool:
        """Write a whole file if it still has this tag (None: if it is not there); False if it has not."""
        if tag is None:
            return self.put_if_absent(rel, data)
        with self._told(rel, "write"), sole_writer(self.path(rel)):
            found = self.read_tagged(rel)
            if found is None or found.tag != tag:
                return False
            with self.writing(rel) as scratch:
                scratch.write_bytes(data)
            return True

    def put_if_absent(self, rel: str, data: bytes, mode: int = DEFAULT_MODE) -> bool:
        """Create a whole file unless it is there; False if it was."""
        with self._scratch(rel, mode) as scratch:
            scratch.write_bytes(data)
            return self._publish_new(scratch, rel)

    def adopt_if_absent(self, scratch: Path, rel: str) -> bool:
        """Publish a finished file of the same file system unless the name is taken; False if it was."""
        with self._told(rel, "write"):
            sync(scratch)
        return self._publish_new(scratch, rel)

    @contextmanager
    def writing(self, rel: str, mode: int = DEFAULT_MODE) -> Iterator[Path]:
        """A scratch path to fill; moved into place, replacing, when the block ends well, else removed."""
        with self._scratch(rel, mode) as scratch:
            yield scratch
            with self._told(rel, "write"):
                sync(scratch)
                scratch.replace(self.path(rel))

    def remove(self, rel: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        with self._told(rel, "write"):
            self.path(rel).unlink(missing_ok=True)

    def publish_folder(self, staging: str, rel: str, *, last: str) -> bool:
        """Move a finished folder to its place; False if the place is taken.

        Args:
            staging: where it was made on this host.
            rel: its place.
            last: the file without which a folder counts for nothing.
        """
        target = self.path(rel)
        try:
            self.path(staging).rename(target)  # a non-empty folder of that name makes this fail
        except OSError as e:
            if target.exists():
                return False
            raise store_error(e, target, "write") from e
        return True

    def remove_folder(self, rel: str, *, first: str, aside: str) -> None:
        """Remove a folder so that a crash leaves no half of it: moved to `aside`, which nobody reads, then taken apart.

        Where nothing can be moved, the file `first` goes first, without which a folder counts for nothing.
        """
        target = self.path(aside)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.path(rel).rename(target)
        except OSError as error:
            raise StoreError("a folder cannot be removed.", where=self.where(rel)) from error
        shutil.rmtree(target, ignore_errors=True)

    @contextmanager
    def scratch_for(self, rel: str) -> Iterator[Path]:
        """A scratch path beside `rel`; removed at the end if still there."""
        with self._scratch(rel, DEFAULT_MODE) as scratch:
            yield scratch

    @contextmanager
    def _scratch(self, rel: str, mode: int) -> Iterator[Path]:
        target = self.path(rel)
        scratch = target.parent / f".{target.name}.{uuid4().hex}"
        try:
            with self._told(rel, "write"):
                target.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
                yield scratch
        finally:
            with suppress(OSError):
                scratch.unlink()

    def _publish_new(self, scratch: Path, rel: str) -> bool:
        with self._told(rel, "write"):
            sync(scratch)
            try:
                os.link(scratch, self.path(rel))  # fails if the name is taken: the only exclusive publish
            except FileExistsError:
                return False
            return True

    @contextmanager
    def _told(self, rel: str, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            raise store_error(e, self.path(rel), doing) from e


def open_store(uri: str, cache: Path | None = None) -> Store:
    """The store at an address; a local folder is made if it is missing.

    Args:
        uri: a folder, or an address of `storage.objects.address`.
        cache: where copies of objects are kept on this host; None: in the user's cache folder.

    Raises:
        StoreError: it cannot be made, written or reached.
        SettingsError: the address is none.
    """
    store = seen_store(uri, cache)
    if store.is_local:
        with store.scratch_for(f"{PRIVATE}/.probe") as scratch:
            scratch.write_bytes(b"writable")
    else:
        store.names("")
    return store


def seen_store(uri: str, cache: Path | None = None) -> Store:
    """The store at an address as it is, for reading: nothing is made; a folder that is not there is empty.

    Raises:
        SettingsError: the address is none.
    """
    if "://" in uri:
        from storage.objects.object_store import object_store  # noqa: PLC0415 - its library only where it is needed

        return object_store(uri, cache)
    return Store(Path(uri).expanduser().absolute())


def remove_tree(store: Store, rel: str) -> None:
    """Remove a folder of this host that no reader knows of (staging)."""
    shutil.rmtree(store.path(rel), ignore_errors=True)
