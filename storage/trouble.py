"""What the file system says, told for the person who has to mend it."""

import errno
from pathlib import Path

from schemas.errors import StoreError


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
