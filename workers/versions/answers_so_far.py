"""What registered versions have answered in a run so far: landed parts and open journals, read as compaction reads.

Everything is counted from the store, by request: a killed worker, a second delivery or another keeper changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from schemas import run_paths, tables
from schemas.answer_format import answer_format
from schemas.events import RunState
from schemas.models import Model
from schemas.run import RunManifest
from storage.parts import landed_units, open_table, read_part
from storage.runs import load_codebook
from storage.store import Store
from workers.calls.requests import load_shard
from workers.calls.turns import settled_answer
from workers.open_units import online_units
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
        units: of the model that are asked online, what batches handed over among them.
        model_id: of the version that answers now; others are not its.
    """

    units: Collection[str]
    model_id: str


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
        self._landed: dict[tuple[str, str], Landings] = {}

    def tally(self, name: str, asked: Asked, *, journals: int | None = JOURNALS_A_LOOK) -> Tally:
        """Count the answers of the version that answers for a model of the plan; None: read every open journal."""
        mine = set(asked.units)
        begun = {run_paths.unit_of_journal(n) for n in self._store.names(run_paths.journal_dir(self._run_id))}
        landed = landed_units(self._store, self._run_id)  # after the journals: a unit that lands now counts once
        known = self._landed.setdefault((name, asked.model_id), Landings())
        unread = sorted((landed & mine) - known.units)
        for at in range(0, len(unread), UNITS_AT_ONCE):
            units = unread[at : at + UNITS_AT_ONCE]
            known.tally += self._count([read_part(self._store, self._run_id, u, _ROW_COLUMNS) for u in units], asked)
            known.units.update(units)
        still_open = sorted((begun & mine) - landed)[:journals]
        return known.tally + self._count([self._of_journal(unit) for unit in still_open], asked)

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
        found = mine.to_pylist()  # a request that a retry asked again has a row of each generation: both count
        tasks = self._tasks_by_request(mine["request_id"].combine_chunks())
        statuses = [self._status(task, row) for row in found for task in tasks.get(row["request_id"], ())]
        n_failed = sum(row["outcome"] == "failed" for row in found)
        came = sum(status == "answered" or status in _UNREAD for status in statuses)
        return Tally(len(found), n_failed, came, sum(status in _UNREAD for status in statuses))

    def _tasks_by_request(self, requests: pa.Array) -> dict[str, list[dict[str, Any]]]:
        """One task of each reply: those that share it are read alike."""
        mine = self._tasks.filter(pc.is_in(self._tasks["request_id"], requests))
        by_request: dict[str, dict[int | None, dict[str, Any]]] = {}
        for task in mine.to_pylist():
            by_request.setdefault(task["request_id"], {}).setdefault(task["turn"], task)
        return {request: list(tasks.values()) for request, tasks in by_request.items()}

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


def in_service(manifest: RunManifest, state: RunState) -> dict[str, Model]:
    """Models of the run that a registry had in service or rolled out when it was planned, asked call by call.

    Those of batches are, too, once what was left of them is asked online. A version that the study
    names itself (NAME@VERSION) is asked to be judged, and is not replaced by another.
    """
    online = online_units(manifest, state)
    beside = {model.rollout.model for model in manifest.models.values() if model.rollout is not None}
    return {
        name: model
        for name, model in manifest.models.items()
        if model.version is not None and name in online and (name != model.version or name in beside)
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
