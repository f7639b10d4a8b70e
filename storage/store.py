"""The store on a local folder: every write is whole or absent.

Durability: scratch file in the same folder, fsync, then link or rename. A crash leaves at most a scratch file whose
name starts with a dot; readers never see it.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from schemas.errors import StoreError
from schemas.run_paths import PRIVATE

DEFAULT_MODE = 0o644


class Store:
    """A folder that holds runs. Paths are relative, with forward slashes (see `schemas.run_paths`)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, rel: str) -> Path:
        """The file or folder of a relative path."""
        return self.root / rel

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

    def put_if_absent(self, rel: str, data: bytes, mode: int = DEFAULT_MODE) -> bool:
        """Create a whole file unless it is there; False if it was."""
        with self._scratch(rel, mode) as scratch:
            scratch.write_bytes(data)
            return self._publish_new(scratch, rel)

    def adopt_if_absent(self, scratch: Path, rel: str) -> bool:
        """Publish a finished file of the same file system unless the name is taken; False if it was."""
        with self._told(rel, "write"):
            _sync(scratch)
        return self._publish_new(scratch, rel)

    @contextmanager
    def writing(self, rel: str, mode: int = DEFAULT_MODE) -> Iterator[Path]:
        """A scratch path to fill; moved into place, replacing, when the block ends well, else removed."""
        with self._scratch(rel, mode) as scratch:
            yield scratch
            with self._told(rel, "write"):
                _sync(scratch)
                scratch.replace(self.path(rel))

    def remove(self, rel: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        with self._told(rel, "write"):
            self.path(rel).unlink(missing_ok=True)

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
            _sync(scratch)
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


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def store_error(error: OSError, path: Path, doing: str) -> StoreError:
    """What went wrong with a file of the store, told for the person who has to mend it."""
    reasons = {
        errno.ENOSPC: ("the disk is full", "Free some space, then `nightpoll resume`."),
        errno.EDQUOT: ("the disk quota is used up", "Free some space, then `nightpoll resume`."),
        errno.EROFS: ("the file system is read-only", "Mount it writable or set NIGHTPOLL_STORE elsewhere."),
        errno.EACCES: ("permission denied", "Check who owns the store or set NIGHTPOLL_STORE elsewhere."),
        errno.ENOTDIR: ("a part of the path is a file, not a folder", "Set NIGHTPOLL_STORE to a folder."),
        errno.EEXIST: ("a part of the path is a file, not a folder", "Set NIGHTPOLL_STORE to a folder."),
        errno.ENOENT: ("it is not there", ""),
    }
    fallback = (error.strerror if error.strerror is not None else "input/output error", "")
    reason, hint = reasons.get(error.errno if error.errno is not None else 0, fallback)
    return StoreError(f"cannot {doing} the store: {reason}.", where=str(path), hint=hint)


def open_store(uri: str) -> Store:
    """The store at a local folder; the folder is made if it is missing.

    Raises:
        StoreError: it cannot be made or written.
    """
    store = seen_store(uri)
    probe = f"{PRIVATE}/.probe"
    with store.scratch_for(probe) as scratch:
        scratch.write_bytes(b"writable")
    return store


def seen_store(uri: str) -> Store:
    """The store at a local folder as it is, for reading: nothing is made; one that is not there is empty.

    Raises:
        StoreError: the address is no folder's.
    """
    if "://" in uri:
        raise StoreError(f"the store {uri!r} is no local folder.", hint="Set NIGHTPOLL_STORE to a folder.")
    return Store(Path(uri).expanduser().absolute())


def remove_tree(store: Store, rel: str) -> None:
    """Remove a folder that no reader knows of (staging)."""
    shutil.rmtree(store.path(rel), ignore_errors=True)
