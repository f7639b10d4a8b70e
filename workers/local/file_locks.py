"""Locks on files by flock: held exactly as long as a process that has the file open lives, a kill -9 included."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """One open lock file. The descriptor may be passed to children, who then hold the lock, too."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_exclusive(self) -> bool:
        """Take it alone; False if anybody has it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take it with others; False if somebody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def is_held(self) -> bool:
        """Always: once taken it lasts until it is given back, however long the process was stopped."""
        return True

    def close(self) -> None:
        """Give it back (children that inherited the descriptor keep it)."""
        os.close(self.fd)

    def _try(self, how: int) -> bool:
        try:
            fcntl.flock(self.fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file exclusively."""
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()
