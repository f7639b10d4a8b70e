"""Ledgers and rounds of batches in the store: read, written whole, numbered. One process writes at a time.

`BatchShelf.write` replaces a ledger only if nobody wrote it since it was read; the lock file of the run (see
`workers.batch.batches`) keeps a second writer away in the first place.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from schemas import run_paths
from schemas.batches import BATCH_FORMAT, BatchLedger, Round
from schemas.errors import FormatError, StoreError
from storage.store import Store

T = TypeVar("T", bound=BaseModel)

_LEDGER = re.compile(r"(\d{6,})\.json")
_ROUND = re.compile(r"round-(\d+)\.g(\d+)\.r(\d+)\.json")
PRIVATE_MODE = 0o600


class BatchShelf:
    """The batches of one run. Ledgers that are closed are read once."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._closed: dict[int, BatchLedger] = {}
        self._rounds: dict[str, Round] = {}

    def ledgers(self) -> list[BatchLedger]:
        """Every batch by number, those that a round names and nobody has touched yet included."""
        names = self._store.names(run_paths.batches_dir(self._run_id))
        found = {}
        for name in names:
            match = _LEDGER.fullmatch(name)
            if match:
                found[int(match[1])] = self._ledger(int(match[1]))
        for each in self._rounds_in(names):
            for number, file in zip(each.numbers, each.files, strict=True):
                if number not in found:
                    found[number] = _fresh(each, number, file.name)
        return [found[number] for number in sorted(found)]

    def rounds(self) -> list[Round]:
        """Every round, in order of its number."""
        return self._rounds_in(self._store.names(run_paths.batches_dir(self._run_id)))

    def write(self, ledger: BatchLedger) -> BatchLedger:
        """The ledger as written, its revision raised.

        Raises:
            StoreError: somebody else wrote it since it was read, or the disk says no.
        """
        rel = run_paths.batch_ledger(self._run_id, ledger.number)
        found = self._store.read_tagged(rel)
        written = ledger.model_copy(update={"revision": ledger.revision + 1})
        data = written.model_dump_json(indent=1, exclude_defaults=False).encode()
        same = found is None or self._parsed(BatchLedger, rel, found.data).revision == ledger.revision
        if not same or not self._store.replace_if_match(rel, data, None if found is None else found.tag):
            raise StoreError("the ledger of a batch was changed by another process.", where=rel)
        if written.state == "closed":
            self._closed[written.number] = written
        return written

    def add_round(self, index: int, made: Round) -> None:
        """Make a round known; a second time changes nothing."""
        name = f"round-{index}.g{made.generation}.r{made.number}.json"
        data = made.model_dump_json(indent=1).encode()
        self._store.put_if_absent(run_paths.batch_file(self._run_id, name), data)

    def next_number(self, ledgers: Iterable[BatchLedger]) -> int:
        """A number that no batch has."""
        taken = [0]
        for ledger in ledgers:
            taken += [ledger.number, *ledger.children]
        return max(taken) + 1

    def _ledger(self, number: int) -> BatchLedger:
        if number not in self._closed:
            ledger = self._read(BatchLedger, run_paths.batch_ledger(self._run_id, number))
            if ledger.state != "closed":
                return ledger
            self._closed[number] = ledger
        return self._closed[number]

    def _rounds_in(self, names: Iterable[str]) -> list[Round]:
        found = []
        for name in names:
            if _ROUND.fullmatch(name):
                if name not in self._rounds:
                    self._rounds[name] = self._read(Round, run_paths.batch_file(self._run_id, name))
                found.append(self._rounds[name])
        return sorted(found, key=lambda each: (each.model, each.generation, each.number))

    def _read(self, kind: type[T], rel: str) -> T:
        return self._parsed(kind, rel, self._store.read_bytes(rel))

    def _parsed(self, kind: type[T], rel: str, data: bytes) -> T:
        try:
            value = kind.model_validate_json(data)
        except ValidationError as e:
            raise StoreError("the file is damaged.", where=self._store.where(rel)) from e
        if getattr(value, "format_no", None) != BATCH_FORMAT:
            raise FormatError("this version does not read batches of this format.", where=self._store.where(rel))
        return value


def _fresh(made: Round, number: int, name: str) -> BatchLedger:
    file = next(each for each in made.files if each.name == name)
    return BatchLedger(
        number=number,
        run_id=made.run_id,
        model=made.model,
        generation=made.generation,
        round=made.number,
        at=made.at,
        key=made.at.strftime("%Y%m%dT%H%M%S%f"),
        file=file,
    )


def open_batches(store: Store, run_id: str) -> list[BatchLedger]:
    """Batches of a run that something may still be done with."""
    if not store.exists(run_paths.batches_dir(run_id)):
        return []
    return [ledger for ledger in BatchShelf(store, run_id).ledgers() if ledger.is_open]


def now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)
