"""The journal of a unit: intents and outcomes as they happen, so that a redelivered unit calls only what is missing.

One file per holder, one line per entry, one write(2) per line, no buffer: what was written survives a kill -9 of the
process. A torn last line is dropped on reading. Line kinds:

    {"k":"i","c":CALL}                       a call is about to go out
    {"k":"e","c":CALL,"code":..,"paid":b}    it ended without an answer; paid: it may have been billed
    {"k":"a","c":CALL,"r":{...}}             it ended with an outcome of the request (see `landing.Answer`)

An intent without an ending is a call whose answer never reached us: it counts as `maybe_paid`.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas import run_paths
from storage.store import Store, store_error


class Journal(Protocol):
    """What a shard's work writes to."""

    def intent(self, call: str) -> None:
        """A call is about to go out."""

    def failure(self, call: str, code: str, *, maybe_paid: bool) -> None:
        """A call ended without an answer."""

    def answer(self, call: str, record: dict[str, Any]) -> None:
        """A call settled its request."""

    def close(self) -> None:
        """No more lines."""


class FileJournal:
    """A journal on a file system."""

    def __init__(self, store: Store, run_id: str, unit: str, holder: str) -> None:
        self._path = store.path(run_paths.journal(run_id, unit, holder))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._fd = os.open(self._path, flags, 0o600)
        except OSError as e:
            raise store_error(e, self._path, "write") from e

    def intent(self, call: str) -> None:
        """A call is about to go out."""
        self._write(f'{{"k":"i","c":"{call}"}}\n')

    def failure(self, call: str, code: str, *, maybe_paid: bool) -> None:
        """A call ended without an answer."""
        self._write(json.dumps({"k": "e", "c": call, "code": code, "paid": maybe_paid}) + "\n")

    def answer(self, call: str, record: dict[str, Any]) -> None:
        """A call settled its request."""
        self._write(json.dumps({"k": "a", "c": call, "r": record}, ensure_ascii=True) + "\n")

    def close(self) -> None:
        """No more lines."""
        os.close(self._fd)

    def _write(self, line: str) -> None:
        data = line.encode("ascii")
        try:
            if os.write(self._fd, data) != len(data):
                raise OSError(28, "short write")  # a full disk may take a part of the line; reading drops it
        except OSError as e:
            raise store_error(e, self._path, "write") from e


@dataclass
class JournalState:
    """What the journals of a unit say.

    Attributes:
        answers: call -> record.
        attempts: call -> calls that were started.
        lost: call -> calls that may have been paid without an answer.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


def read_journals(store: Store, run_id: str, unit: str) -> JournalState:
    """Fold the journals of all holders of a unit."""
    state = JournalState()
    for name in _files(store, run_id, unit):
        _fold(state, store.read_bytes(f"{run_paths.journal_dir(run_id)}/{name}").split(b"\n"))
    return state


def remove_journals(store: Store, run_id: str, unit: str) -> None:
    """Drop the journals of a landed unit."""
    for name in _files(store, run_id, unit):
        store.path(f"{run_paths.journal_dir(run_id)}/{name}").unlink(missing_ok=True)


def _files(store: Store, run_id: str, unit: str) -> list[str]:
    names = store.names(run_paths.journal_dir(run_id))
    return [n for n in names if n.startswith(f"{unit}.") and n.count(".") == unit.count(".") + 2]


def _fold(state: JournalState, lines: Iterable[bytes]) -> None:
    open_calls: Counter[str] = Counter()
    for line in lines:
        try:
            entry = json.loads(line)
            kind, call = entry["k"], entry["c"]
        except (ValueError, KeyError, TypeError):
            if line:
                break  # torn by a crash: nothing after it was written whole
            continue
        if kind == "i":
            open_calls[call] += 1
            state.attempts[call] += 1
            continue
        open_calls[call] -= 1
        if kind == "a":
            state.answers.setdefault(call, entry["r"])
        elif entry.get("paid"):
            state.lost[call] += 1
    state.lost.update(open_calls)
