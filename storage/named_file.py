"""Files that a user names: only such as end, and are what they seem."""

import errno
import stat
from pathlib import Path

MOST_TEXT_BYTES = 1_000_000


def checked_file(path: Path) -> Path:
    """The path itself, if a regular file is there.

    Raises:
        OSError: nothing is there, or a folder, device or pipe, which might never end; the path cannot be one.
    """
    try:
        found = path.stat()
    except ValueError as e:
        raise OSError(errno.EINVAL, "the path holds a character that no path can", str(path)) from e
    if not stat.S_ISREG(found.st_mode):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
        raise OSError(errno.EINVAL, "it is a device or a pipe", str(path))
    return path


def read_bounded(path: Path, most_bytes: int = MOST_TEXT_BYTES) -> bytes:
    """What a file holds.

    Raises:
        OSError: as `checked_file`, or it holds more than `most_bytes`.
    """
    with checked_file(path).open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"it holds more than {most_bytes:,} bytes", str(path))
    return data
