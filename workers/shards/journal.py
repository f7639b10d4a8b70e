"""The journal of a unit: intents and outcomes as they happen, so that a redelivered unit calls only what is missing.

One line per entry. In a folder: one file per holder, one write(2) per line, no buffer: what was written survives a
kill -9 of the process, and a torn last line is dropped on reading. On an object store: `segments`. Line kinds:

    {"k":"s"}, {"k":"x"}                     a holder begins its work on the unit, and ends it by itself
    {"k":"i","c":CALL,"usd":..}              a call is about to go out; usd: its full price, if a budget reserved it
    {"k":"e","c":CALL,"code":..,"paid":b}    it ended without an answer; paid: it may have been billed
    {"k":"a","c":CALL,"r":{...}}             it ended with an outcome (see `landing.Answer`)
    {"k":"a","c":CALL,"r":{...},"more":1}    likewise, and its request has another call to come
    {"k":"p","c":CALL,"usd":..}              in segments: it may go out from now on, and only from now on

An intent without an ending is a call whose answer never reached us: it counts as `maybe_paid`. So does, of a holder
that did not end by itself, an announcement without an intent.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas import run_paths
from schemas.errors import StoreError
from storage.store import Store
from storage.trouble import store_error


class Journal(Protocol):
    """What a shard's work writes to."""

    async def ready(self, call: str, reserved_usd: float = 0.0) -> None:
        """Return once a kill of the process could not hide that the call went out, at most for `reserved_usd`."""

    def intent(self, call: str, reserved_usd: float = 0.0) -> None:
        """A call is about to go out."""

    def failure(self, call: str, code: str, *, maybe_paid: bool) -> None:
        """A call ended without an answer."""

    def answer(self, call: str, record: dict[str, Any], *, is_over: bool = True) -> None:
        """A call ended with an outcome; `is_over`: so did its request."""

    async def end(self) -> None:
        """No more lines; on return all of them are in the store."""


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
        self._write('{"k":"s"}\n')

    async def ready(self, call: str, reserved_usd: float = 0.0) -> None:
        """At once: an intent is in the file before the call."""

    def intent(self, call: str, reserved_usd: float = 0.0) -> None:
        """A call is about to go out."""
        money = f',"usd":{reserved_usd:.9f}' if reserved_usd else ""
        self._write(f'{{"k":"i","c":"{call}"{money}}}\n')

    def failure(self, call: str, code: str, *, maybe_paid: bool) -> None:
        """A call ended without an answer."""
        self._write(json.dumps({"k": "e", "c": call, "code": code, "paid": maybe_paid}) + "\n")

    def answer(self, call: str, record: dict[str, Any], *, is_over: bool = True) -> None:
        """A call ended with an outcome; `is_over`: so did its request."""
        more = {} if is_over else {"more": 1}
        self._write(json.dumps({"k": "a", "c": call, "r": record} | more, ensure_ascii=True) + "\n")

    async def end(self) -> None:
        """No more lines."""
        self.close()

    def close(self) -> None:
        """No more lines; says that the holder ended by itself."""
        try:
            self._write('{"k":"x"}\n')
        finally:
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
        lost: call -> calls that may have been paid without an answer that counts.
        lost_usd: call -> what those calls may have cost at most, as far as a budget reserved it.
        barren_starts: holders in a row that died before they wrote a line: the unit may be poison.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    lost_usd: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    barren_starts: int = 0


def read_journals(store: Store, run_id: str, unit: str) -> JournalState:
    """Fold the journals of all holders of a unit."""
    state = JournalState()
    for pieces in _holders(store, run_id, unit):
        try:
            data = b"".join(store.read_bytes(piece) for piece in pieces)
        except StoreError:
            if all(store.exists(piece) for piece in pieces):
                raise
            continue  # the unit landed meanwhile
        _fold(state, data.split(b"\n"))
    return state


def remove_journals(store: Store, run_id: str, unit: str) -> None:
    """Drop the journals of a landed unit."""
    for pieces in _holders(store, run_id, unit):
        for piece in pieces:
            store.remove(piece)


def last_written_s(store: Store, folder: str) -> dict[str, float]:
    """When each holder of each unit last wrote into a folder of journals, in seconds since 1970."""
    found: dict[str, float] = {}
    for name, at_s in store.changed_s(folder).items():
        holder = run_paths.holder_of_journal(name)
        found[holder] = max(at_s, found.get(holder, 0.0))
    return found


def _holders(store: Store, run_id: str, unit: str) -> list[list[str]]:
    """Journals of a unit, the pieces of one holder together, the oldest holder first."""
    folder = run_paths.journal_dir(run_id)
    pieces: dict[str, list[str]] = {}
    for name in store.names(folder):
        if name.startswith(f"{unit}.") and run_paths.unit_of_journal(name) == unit:
            pieces.setdefault(run_paths.holder_of_journal(name), []).append(f"{folder}/{name}")
    if len(pieces) > 1:
        at_s = last_written_s(store, folder)
        return [pieces[holder] for holder in sorted(pieces, key=lambda holder: at_s.get(holder, 0.0))]
    return list(pieces.values())


def _fold(state: JournalState, lines: Iterable[bytes]) -> None:
    open_calls: dict[str, list[float]] = {}
    announced: dict[str, float] = {}
    kinds: set[str] = set()
    for entry in _entries(lines):
        kinds.add(entry["k"])
        if entry["k"] in _HOLDER_LINES:
            continue
        call = entry["c"]
        if entry["k"] == "p":
            announced[call] = float(entry.get("usd", 0.0))
        elif entry["k"] == "i":
            announced.pop(call, None)
            open_calls.setdefault(call, []).append(float(entry.get("usd", 0.0)))
            state.attempts[call] += 1
        else:
            _end_call(state, entry, open_calls.get(call, []))
    for call, usd in announced.items() if "x" not in kinds else ():
        open_calls.setdefault(call, []).append(usd)
    for call, reserved in open_calls.items():
        if reserved:
            state.lost[call] += len(reserved)
            state.lost_usd[call] += sum(reserved)
    if kinds - _HOLDER_LINES - {"p"}:
        state.barren_starts = 0
    elif "x" not in kinds:
        state.barren_starts += 1


_HOLDER_LINES = frozenset({"s", "x"})


def _entries(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Whole lines; what a crash tore ends the file: nothing after it was written."""
    for line in lines:
        if not line:
            continue
        try:
            entry = json.loads(line)
            if entry["k"] not in _HOLDER_LINES:
                entry["c"]
        except (ValueError, KeyError, TypeError):
            return
        yield entry


def _end_call(state: JournalState, entry: dict[str, Any], reserved: list[float]) -> None:
    usd = reserved.pop() if reserved else 0.0
    if entry["k"] == "a" and entry["c"] not in state.answers:
        state.answers[entry["c"]] = entry["r"]
    elif entry["k"] == "a" or entry.get("paid"):  # a second answer: its holder was cut off, another bought it again
        state.lost[entry["c"]] += 1
        state.lost_usd[entry["c"]] += usd
