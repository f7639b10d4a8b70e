"""What registered versions have answered in a run so far: landed parts and open journals, read as compaction reads.

Everything is counted from the store, by request: a killed worker, a second delivery or another keeper changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from schemas import run_paths, tables
from schemas.answer_format import answer_format
from schemas.models import Model
from schemas.run import RunManifest
from storage.parts import landed_units, open_table, read_part
from storage.runs import load_codebook
from storage.store import Store
from workers.calls.requests import load_shard
from workers.calls.turns import settled_answer
from workers.predictions.request_index import BATCH_TASKS
from workers.reading.answers import READER_VERSION
from workers.reading.readings import Landed, Reader, averaged
from workers.shards.journal import read_journals
from workers.versions.rates import Tally

JOURNALS_A_LOOK = 16
"""Open units that one look reads; what it leaves out is counted when it lands."""
UNITS_AT_ONCE = 64
_TASK_COLUMNS = ["request_id", "question_id", "arm", "route_arm", "option_order", "option_orders", "turn"]
_ROW_COLUMNS = ["request_id", "model", "created_at", *Landed._fields]
_NO_ROWS = pa.schema([tables.RESPONSES.field(name) for name in _ROW_COLUMNS])
_UNREAD = ("unparsed", "truncated")


class Asked(NamedTuple):
    """Which answers count.

    Attributes:
        shards: of the model in the plan.
        model_id: of the version that answers now; others are not its.
        since: answers before are not counted; None: all are.
    """

    shards: Sequence[int]
    model_id: str
    since: datetime | None


@dataclass
class Landings:
    """Parts that were counted, and what they hold."""

    units: set[str] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)


class AnswersSoFar:
    """Of one run. A landed part is read once; the tasks of its registered models stay in memory."""

    def __init__(self, store: Store, manifest: RunManifest) -> None:
        self._store = store
        self._run_id = manifest.run_id
        self._arms = manifest.study.arms
        self._questions = load_codebook(store, self._run_id).questions
        self._reader = Reader(self._questions, "pending", READER_VERSION)
        self._tasks = _tasks_of(store, self._run_id, _registered_arms(manifest))
        self._landed: dict[tuple[tuple[int, ...], str, datetime | None], Landings] = {}

    def tally(self, asked: Asked) -> Tally:
        """Count a version's answers."""
        shards = set(asked.shards)
        open_units = self._open_units(shards)  # before the parts: a unit that lands now counts once
        landed = landed_units(self._store, self._run_id)
        known = self._landed.setdefault((tuple(asked.shards), asked.model_id, asked.since), Landings())
        unread = sorted(unit for unit in landed - known.units if _shard(unit) in shards)
        for at in range(0, len(unread), UNITS_AT_ONCE):
            units = unread[at : at + UNITS_AT_ONCE]
            known.tally += self._count([read_part(self._store, self._run_id, u, _ROW_COLUMNS) for u in units], asked)
            known.units.update(units)
        still_open = [unit for unit in open_units if unit not in landed][:JOURNALS_A_LOOK]
        return known.tally + self._count([self._of_journal(unit) for unit in still_open], asked)

    def _open_units(self, shards: set[int]) -> list[str]:
        names = self._store.names(run_paths.journal_dir(self._run_id))
        units = {run_paths.unit_of_journal(name) for name in names}
        return sorted(unit for unit in units if _shard(unit) in shards)

    def _of_journal(self, unit: str) -> pa.Table:
        """Settled requests of an open unit as rows of a part."""
        shard = _shard(unit)
        requests = [] if shard is None else load_shard(self._store, self._run_id, shard).requests
        answers = read_journals(self._store, self._run_id, unit).answers
        found = ((r.request_id, settled_answer(r, answers)) for r in requests)
        rows = [
            {"request_id": request, **{name: getattr(answer, name) for name in _ROW_COLUMNS[1:]}}
            | {"created_at": datetime.fromisoformat(answer.created_at), "turns": list(answer.turns)}
            for request, answer in found
            if answer is not None
        ]
        return pa.Table.from_pylist(rows, schema=_NO_ROWS)

    def _count(self, parts: list[pa.Table], asked: Asked) -> Tally:
        """All at once: to find their tasks costs the same for one and for many (12 ms in a million)."""
        rows = pa.concat_tables([_NO_ROWS.empty_table(), *(part.select(_ROW_COLUMNS) for part in parts)])
        mine = rows.filter(pc.equal(rows["model"], asked.model_id))
        if asked.since is not None:
            mine = mine.filter(pc.greater_equal(mine["created_at"], pa.scalar(asked.since)))
        by_request = {row["request_id"]: row for row in mine.to_pylist()}
        n_failed = sum(row["outcome"] == "failed" for row in by_request.values())
        statuses = list(self._statuses(by_request))
        came = sum(status == "answered" or status in _UNREAD for status in statuses)
        return Tally(len(by_request), n_failed, came, sum(status in _UNREAD for status in statuses))

    def _statuses(self, by_request: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        """One of each reply: tasks that share it are read alike."""
        mine = self._tasks.filter(pc.is_in(self._tasks["request_id"], pa.array(list(by_request), pa.string())))
        seen = set()
        for task in mine.to_pylist():
            reply = (task["request_id"], task["turn"])
            if reply not in seen:
                seen.add(reply)
                yield self._status(task, by_request[task["request_id"]])

    def _status(self, task: Mapping[str, Any], row: Mapping[str, Any]) -> str:
        question = self._questions[task["question_id"]]
        arm = task["arm"] if task["route_arm"] is None else task["route_arm"]
        shape = answer_format(self._arms[arm], question)
        landed = Landed(*(row[name] for name in Landed._fields))
        if task["option_orders"] is None:
            return self._reader.landed(
                task["question_id"], shape, landed, task["option_order"], task["turn"]
            ).status  # fmt: skip
        found = self._reader.samples(task["question_id"], shape, landed, task["option_orders"])
        return averaged(found, question).status


def in_service(manifest: RunManifest) -> dict[str, Model]:
    """Models of the run that a registry had in service or rolled out when it was planned, asked call by call.

    A version that the study names itself (NAME@VERSION) is asked to be judged, and is not replaced by another.
    """
    online = manifest.online_shards
    beside = {model.rollout.model for model in manifest.models.values() if model.rollout is not None}
    return {
        name: model
        for name, model in manifest.models.items()
        if model.version is not None and online.get(name) and (name != model.version or name in beside)
    }


def _registered_arms(manifest: RunManifest) -> set[str]:
    models = manifest.models
    return {
        name
        for name, arm in manifest.study.arms.items()
        if arm.model is not None and models[arm.model].version is not None
    }


def _tasks_of(store: Store, run_id: str, arms: Iterable[str]) -> pa.Table:
    """Tasks that these arms answer, those of routes included."""
    wanted, found = pa.array(sorted(arms), pa.string()), []
    with open_table(store, run_paths.tasks(run_id)) as file:
        for batch in file.iter_batches(batch_size=BATCH_TASKS):
            table = tables.conformed(pa.Table.from_batches([batch]), tables.TASKS).select(_TASK_COLUMNS)
            found.append(table.filter(pc.is_in(pc.coalesce(table["route_arm"], table["arm"]), wanted)))
    return pa.concat_tables(found)


def _shard(unit: str) -> int | None:
    found = run_paths.shard_of_unit(unit)
    return None if found is None else found[0]
