"""Rounds: what a model's batches ask at once, and what becomes of the rest: another round, or online.

A round is packed from the plan (the first) or from what the one before left; it is over when all its batches are.
A round without files says that nothing is left.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from producer.batch.files import no_texts, write_batch_files
from producer.batch.pack import BatchLimits
from producer.checks.batch import most_turns
from providers.batch_lines import sent_ids
from schemas import run_paths
from schemas.batches import BatchLedger, Round
from schemas.events import RunState
from schemas.models import Model
from schemas.run import RunManifest
from schemas.study import Arm
from storage.parts import landed_units, open_table, read_part
from storage.runs import append_event
from storage.store import Store
from workers.batch.asks import again_file, online_file, read_asks, round_file, write_asks
from workers.batch.ledger import BatchShelf, now
from workers.batch.turn import as_input_file, spec_of
from workers.batch.turns import Records, give_turns, read_turns, texts_of
from workers.shards.landing import RANK

FRUITLESS_ROUNDS = 5
"""So many rounds in a row without a single request tried: the service does not do any work."""


@dataclass(frozen=True)
class Line:
    """The batches of one model of a run, in one generation.

    Attributes:
        index: place of the model among those that are asked in batches; stands in file names.
        n_turns: calls that a request may take at most.
    """

    run_id: str
    index: int
    name: str
    model: Model
    arm: Arm
    shards: Sequence[int]
    generation: int = 0
    n_turns: int = 1


class Standing(NamedTuple):
    """Where a line is.

    Attributes:
        rounds: its own, in order; ledgers: of all of them.
        is_done: nothing is left, or what is left is asked online.
    """

    rounds: list[Round]
    ledgers: list[BatchLedger]
    is_done: bool

    @property
    def is_idle(self) -> bool:
        """No batch has anything to come."""
        return all(ledger.is_over for ledger in self.ledgers)


def lines_of(manifest: RunManifest, state: RunState) -> list[Line]:
    """The lines of a run, earlier generations first."""
    found = []
    for generation in (0, *(g.number for g in state.generations)):
        for index, name in enumerate(sorted(manifest.batch_shards)):
            arms = [a for a in manifest.study.arms.values() if a.model == name and a.transport == "batch"]
            n_turns = max(map(most_turns, arms))
            model, shards = manifest.models[name], manifest.batch_shards[name]
            found.append(Line(manifest.run_id, index, name, model, arms[0], shards, generation, n_turns))
    return found


def standing(line: Line, rounds: Iterable[Round], ledgers: Iterable[BatchLedger], state: RunState) -> Standing:
    """Where a line is. Pure."""
    mine = [r for r in rounds if r.model == line.name and r.generation == line.generation]
    own = [b for b in ledgers if b.model == line.name and b.generation == line.generation]
    over = state.is_handed_over(line.name, line.generation) or (bool(mine) and not mine[-1].files)
    return Standing(mine, own, over)


def has_open_batches(store: Store, manifest: RunManifest, state: RunState) -> bool:
    """Batches have something to do before the run can finish; models that nobody serves are left out."""
    if not manifest.batch_shards:
        return False
    shelf = BatchShelf(store, manifest.run_id)
    rounds, ledgers = shelf.rounds(), shelf.ledgers()
    for line in lines_of(manifest, state):
        if line.name in state.stopped_models:
            continue
        at = standing(line, rounds, ledgers, state)
        if not at.is_done or not at.is_idle:
            return True
    return False


def is_fruitless(at: Standing) -> bool:
    """Round after round came back without one request having been tried."""
    last = at.rounds[-FRUITLESS_ROUNDS:]
    numbers = {r.number for r in last}
    tallies = [b.tally for b in at.ledgers if b.round in numbers and b.tally is not None]
    return len(last) == FRUITLESS_ROUNDS and all(t.n_not_executed == t.n_sent for t in tallies)


def advance(store: Store, shelf: BatchShelf, line: Line, at: Standing, state: RunState) -> None:
    """Pack the next round of a line, hand the rest over, or say that nothing is left. May be done again.

    Raises:
        StoreError: the store cannot be read or written.
    """
    known = read_turns(store, line.run_id, at.ledgers)
    asks = _left(store, line, at, state, known)
    next_turns = {r: n for r, n in (asks or {}).items() if at.rounds and len(texts_of(known, r)) == len(at.rounds)}
    is_retry = bool(at.rounds) or line.generation > 0
    goes_online = line.name in state.rescued or (is_retry and line.arm.retry == "online" and not next_turns)
    if asks is not None and not asks:
        _add(shelf, line, at, [], first_number=1)
    elif goes_online:
        hand_over(store, line, asks if asks is not None else _first_asks(store, line), known)
    else:
        pack(store, shelf, line, at, next_turns if next_turns and line.arm.retry == "online" else asks, known)


def hand_over(store: Store, line: Line, asks: Mapping[str, int], known: Records) -> None:
    """Ask the rest online: list and answers of earlier turns first, then the event that makes them count."""
    write_asks(store, line.run_id, online_file(line.index, line.generation), asks)
    shard_of = {request: shard for request, shard in _plan_rows(store, line) if request in asks}
    turns_usd = give_turns(store, line.run_id, line.generation, shard_of, known) if known else 0.0
    data = {
        "model": line.name, "generation": line.generation, "shards": sorted(set(shard_of.values())),
        "requests": len(asks), "to": "online", "turns_usd": turns_usd,
    }  # fmt: skip
    append_event(store, line.run_id, "transport", data)


def still_open(store: Store, line: Line, at: Standing) -> dict[str, int]:
    """Requests without a final outcome while batches are still open: what `rescue: pay_twice` asks online."""
    asks = dict(_of_round(store, line, at)) if at.rounds else _first_asks(store, line)
    for ledger in at.ledgers:
        if not ledger.is_over:
            path = store.fetched(run_paths.batch_file(line.run_id, ledger.file.name))
            asks |= {custom_id.rpartition(".")[0]: 0 for custom_id in sent_ids(path)}
    return asks


def pack(
    store: Store, shelf: BatchShelf, line: Line, at: Standing, asks: Mapping[str, int] | None, known: Records
) -> None:
    """Write the input files of the next round, then the round."""
    number, first = len(at.rounds), line.model.batch[0]
    if asks is not None:
        write_asks(store, line.run_id, round_file(line.index, line.generation, number), asks)
    wanted = _not_reused(store, line.run_id) if asks is None else asks.__contains__
    store.path(run_paths.batches_dir(line.run_id)).mkdir(parents=True, exist_ok=True)
    files = write_batch_files(
        store.fetched(run_paths.plan(line.run_id)),
        store.path(run_paths.batches_dir(line.run_id)),
        spec_of(line.name, line.model, first),
        wanted=wanted,
        limits=_limits(line.model),
        prefix=f"m{line.index}g{line.generation}r{number}",
        shards=line.shards,
        texts=partial(texts_of, known) if known else no_texts,
    )
    written = []
    for file in files:
        store.keep(run_paths.batch_file(line.run_id, file.path.name))
        written.append(as_input_file(file))
    _add(shelf, line, at, written, first_number=shelf.next_number(shelf.ledgers()))


def _add(shelf: BatchShelf, line: Line, at: Standing, files: list, first_number: int) -> None:  # type: ignore[type-arg]
    shelf.add_round(
        line.index,
        Round(
            run_id=line.run_id, model=line.name, generation=line.generation, number=len(at.rounds),
            first_number=first_number, files=files, n_requests=sum(f.n_lines for f in files), at=now(),
        ),
    )  # fmt: skip


def _limits(model: Model) -> BatchLimits:
    """What every deployment of the model takes."""
    tokens = [each.enqueued_tokens for each in model.batch if each.enqueued_tokens is not None]
    return replace(
        BatchLimits(min(each.max_lines for each in model.batch), min(each.max_bytes for each in model.batch)),
        max_tokens=min(tokens) if tokens else None,
    )


def _left(store: Store, line: Line, at: Standing, state: RunState, known: Records) -> dict[str, int] | None:
    """What is to be asked now; None for all of the plan that was not reused."""
    if at.rounds:
        return _given_back(store, line, at, known) | dict(_of_round(store, line, at))
    if line.generation == 0:
        return None
    outcomes = next(set(g.outcomes) for g in state.generations if g.number == line.generation)
    best = _best_outcomes(store, line)
    return {request: 0 for request, outcome in best.items() if outcome in outcomes}


def _of_round(store: Store, line: Line, at: Standing) -> Iterator[tuple[str, int]]:
    number = at.rounds[-1].number
    for ledger in at.ledgers:
        if ledger.round == number:
            yield from read_asks(store, line.run_id, again_file(ledger.number)).items()


def _given_back(store: Store, line: Line, at: Standing, known: Records) -> dict[str, int]:
    """What earlier rounds left to be asked online while other requests went on to their next turn in batches."""
    if not known or line.arm.retry != "online":
        return {}
    return {
        request: tries
        for ledger in at.ledgers
        for request, tries in read_asks(store, line.run_id, again_file(ledger.number)).items()
        if len(texts_of(known, request)) <= ledger.round
    }


def _first_asks(store: Store, line: Line) -> dict[str, int]:
    wanted = _not_reused(store, line.run_id)
    return {request: 0 for request, _ in _plan_rows(store, line) if wanted(request)}


class _NotReused:
    """Whether a request was not answered by an earlier run."""

    def __init__(self, reused: frozenset[str]) -> None:
        self._reused = reused

    def __call__(self, request: str) -> bool:
        return request not in self._reused


def _not_reused(store: Store, run_id: str) -> _NotReused:
    if not store.exists(run_paths.part(run_id, run_paths.REUSED_UNIT)):
        return _NotReused(frozenset())
    part = read_part(store, run_id, run_paths.REUSED_UNIT, ["request_id"])
    return _NotReused(frozenset(part["request_id"].to_pylist()))


def _plan_rows(store: Store, line: Line) -> Iterator[tuple[str, int]]:
    """(request id, shard) of the line's requests, in plan order."""
    mine = pa.array(line.shards, pa.int32())
    with open_table(store, run_paths.plan(line.run_id)) as file:
        for batch in file.iter_batches(columns=["request_id", "shard"]):
            rows = pa.Table.from_batches([batch])
            rows = rows.filter(pc.is_in(rows["shard"], mine))
            yield from zip(rows["request_id"].to_pylist(), rows["shard"].to_pylist(), strict=True)


def _best_outcomes(store: Store, line: Line) -> dict[str, str]:
    """Best outcome of each of the line's requests over everything that has landed."""
    mine = {request for request, _ in _plan_rows(store, line)}
    best: dict[str, str] = {}
    for unit in sorted(landed_units(store, line.run_id)):
        table = read_part(store, line.run_id, unit, ["request_id", "outcome"])
        for request, outcome in zip(table["request_id"].to_pylist(), table["outcome"].to_pylist(), strict=True):
            if request in mine and (request not in best or RANK[outcome] < RANK[best[request]]):
                best[request] = outcome
    return best
