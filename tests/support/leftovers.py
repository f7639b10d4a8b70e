"""Finds processes that tests started and did not end, detached ones too."""

import os
import uuid

import psutil

MARK = "PYTEST_SESSION_MARK"
"""Environment variable that every process started by this test session inherits."""


def mark_session() -> str:
    """Puts a mark into this process's environment and returns it."""
    os.environ[MARK] = uuid.uuid4().hex
    return os.environ[MARK]


def still_running(mark: str, patience_s: float = 5.0) -> list[psutil.Process]:
    """Processes of this session that do not end by themselves within `patience_s`."""
    found = {process.pid: process for process in [*_children(), *_marked(mark)]}
    _, alive = psutil.wait_procs(list(found.values()), timeout=patience_s)
    return alive


def describe(process: psutil.Process) -> str:
    """Command line and folder: tests run in a folder of their own, which names them."""
    try:
        return f"{process.pid}: {' '.join(process.cmdline())} (in {process.cwd()})"
    except psutil.Error:
        return f"{process.pid}: {process}"


def end(processes: list[psutil.Process]) -> None:
    """Ends exactly these."""
    for process in processes:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    for process in psutil.wait_procs(processes, timeout=3)[1]:
        process.kill()


def _children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if _counts(child)]


def _marked(mark: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _counts(process) and _has_mark(process, mark)]


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except psutil.Error:
        return False


def _counts(process: psutil.Process) -> bool:
    try:
        command = " ".join(process.cmdline())
        ended = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    # Python's own helper, which ends with its parent.
    return process.pid != os.getpid() and not ended and "multiprocessing.resource_tracker" not in command
