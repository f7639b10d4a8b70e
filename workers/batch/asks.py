"""Lists of requests that are to be asked: again in a batch, or online. A line is a request id and its tries so far."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from schemas import run_paths
from storage.store import Store

PRIVATE_MODE = 0o600
_LINE_BYTES = 35
"""32 hex characters, a space, one digit, a line feed."""


def again_file(number: int) -> str:
    """What a batch left to be asked again."""
    return f"{number:06d}.again"


def round_file(index: int, generation: int, number: int) -> str:
    """What a round was packed from, but for the first round of a run."""
    return f"round-{index}.g{generation}.r{number}.asks"


def online_file(index: int, generation: int) -> str:
    """What was handed over to be asked online."""
    return f"online-{index}.g{generation}.asks"


def write_asks(store: Store, run_id: str, name: str, asks: Mapping[str, int]) -> None:
    """Write a list whole, in place of an earlier one."""
    lines = b"".join(b"%s %d\n" % (request.encode(), min(tries, 9)) for request, tries in asks.items())
    with store.writing(run_paths.batch_file(run_id, name)) as scratch:
        scratch.write_bytes(lines)


def read_asks(store: Store, run_id: str, name: str) -> dict[str, int]:
    """Request id -> tries; empty if there is no such list."""
    rel = run_paths.batch_file(run_id, name)
    if not store.exists(rel):
        return {}
    found = {}
    for line in store.read_bytes(rel).splitlines():
        request, _, tries = line.partition(b" ")
        found[request.decode()] = int(tries)
    return found


@lru_cache(maxsize=8)
def sorted_asks(store: Store, run_id: str, name: str, life: str) -> np.ndarray:
    """Request ids of a list as sorted bytes, for many questions of membership; shape (n,), dtype S32.

    Remembered for a `life` of the run (`Store.run_life`).
    """
    del life
    data = store.read_bytes(run_paths.batch_file(run_id, name))
    return np.sort(np.frombuffer(data, dtype=f"S{_LINE_BYTES}").astype("S32"))


def contains(asks: np.ndarray, request_id: str) -> bool:
    """Whether a sorted list holds a request."""
    wanted = request_id.encode()
    at = int(np.searchsorted(asks, np.bytes_(wanted)))
    return at < len(asks) and bytes(asks[at]) == wanted
