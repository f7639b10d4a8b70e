"""Copies of objects on this host, shared by its processes and threads: none goes while somebody may be reading it.

Whoever is handed a copy marks it as used (its modification time) under a shared lock; sweeping takes the lock alone
and removes what nobody was handed for days. An open file outlives its name, so days are far more than enough.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

VERSIONS = ".versions"
RUNS = ".copies"
KEPT_S = 2 * 86400
"""Of a version of what may be replaced, and of what a killed process left."""
RUNS_KEPT_S = 30 * 86400
"""Of copies of a run; they are fetched again where they are wanted again."""
_MARK_EVERY_S = 600.0
_MODE = 0o700


class Copies:
    """One folder of copies."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._marked_s: dict[Path, float] = {}

    def marked(self, path: Path) -> bool:
        """Whether a file or folder is there; if so it stays for days from now on."""
        now_s = time.monotonic()
        if now_s - self._marked_s.get(path, -_MARK_EVERY_S) < _MARK_EVERY_S and path.exists():
            return True
        with self._locked(fcntl.LOCK_SH):
            try:
                os.utime(path)
            except FileNotFoundError:
                return False
        self._marked_s[path] = now_s
        return True

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new folder that nobody else knows of, removed at the end."""
        path = self._root / VERSIONS / f"{os.getpid()}-{uuid4().hex}"
        path.mkdir(parents=True, mode=_MODE)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def sweep(self) -> None:
        """Remove copies that nobody was handed for long; nothing if others are busy with them just now.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB) as is_alone:
            if is_alone:
                self._remove(self._root / VERSIONS, "*", KEPT_S)
                self._remove(self._root / RUNS, "*/*", RUNS_KEPT_S)

    def _remove(self, folder: Path, pattern: str, kept_s: float) -> None:
        before_s = time.time() - kept_s
        for path in folder.glob(pattern):
            with suppress(OSError):
                if path.stat().st_mtime < before_s:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def _locked(self, how: int) -> Iterator[bool]:
        """Whether the lock was had; one that is waited for always is."""
        fd = os.open(self._root / ".sweeping", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(fd, how)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(fd)


def linked(source: Path, target: Path) -> None:
    """The same content under another name: sweeping the one leaves the other."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=_MODE)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
