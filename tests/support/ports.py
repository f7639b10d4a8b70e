"""Ports of loopback for servers of tests that must know theirs before they start."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import IO

_PORTS = range(18_000, 32_000)
"""Below what the system gives to whoever asks for any port, outgoing connections included: nobody else takes these."""
_given: set[int] = set()


def free_port(n_following: int = 0) -> int:
    """A port that nobody listens on and no other test process was given, and as many of the kind after it.

    Raises:
        AssertionError: there is none.
    """
    numbers = list(_PORTS[: len(_PORTS) - n_following])
    random.Random(os.urandom(8)).shuffle(numbers)
    for number in numbers:
        wanted = range(number, number + n_following + 1)
        if all(_is_free(port) and _is_ours(port) for port in wanted):
            _given.update(wanted)
            return number
    raise AssertionError(f"no port of {_PORTS.start} to {_PORTS.stop - 1} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return port not in _given


def _is_ours(port: int) -> bool:
    """Lock the port's byte of a file that all test processes share; locks go with their process."""
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _locks() -> IO[bytes]:
    return (Path(tempfile.gettempdir()) / "nightpoll-test-ports").open("wb")
