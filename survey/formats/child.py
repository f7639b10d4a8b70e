"""A file read in a child process, so that a reader that crashes on a damaged file ends the child and not the command.

pyreadstat parses in C. Of 600 copies of a small .sav with up to 40 random bytes overwritten, 8 ended the process.
A forked child costs some ten milliseconds and the copy of its result; where processes cannot be forked safely
(macOS, Windows) the file is read in this process.
"""

import faulthandler
import importlib
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from warnings import catch_warnings

from schemas.errors import SurveyFileError

T = TypeVar("T")


class ChildCrashedError(Exception):
    """The child ended without a result."""


def in_child(work: Callable[[], T]) -> T:
    """What `work` returns, worked out in a child process.

    Raises:
        SurveyFileError: as `work` raised it.
        ChildCrashedError: the child crashed, or `work` raised something else.
    """
    if sys.platform != "linux":
        return work()
    reading, writing = os.pipe()
    with catch_warnings(action="ignore"):  # later Pythons warn of threads; the child runs the reader and nothing else
        pid = os.fork()
    if pid == 0:
        _child(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        try:
            outcome, value = pickle.load(pipe)  # noqa: S301 - written by our own child
        except (EOFError, pickle.UnpicklingError):
            outcome, value = "crashed", None
    os.waitpid(pid, 0)
    if outcome == "refused":
        raise value
    if outcome != "done":
        raise ChildCrashedError
    result: T = value
    return result


def _bound_memory() -> None:
    """No more than this machine has: a file of a kilobyte can claim billions of rows."""
    resource = importlib.import_module("resource")  # not on Windows, where nothing is forked
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + whole * 3 // 4
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _child(work: Callable[[], T], writing: int) -> None:
    """Runs in the child, and never returns: the parent's buffers, locks and exit handlers are not the child's."""
    try:
        faulthandler.disable()
        _bound_memory()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what the C library says of a crash is no sentence for a user
        with os.fdopen(os.dup(writing), "wb") as pipe:
            try:
                result: tuple[str, object] = ("done", work())
            except SurveyFileError as error:
                result = ("refused", error)
            pickle.dump(result, pipe, protocol=5)
    finally:
        os._exit(0)
