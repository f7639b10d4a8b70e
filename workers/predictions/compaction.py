"""Compaction: tasks + parts -> predictions.parquet, exactly one row per task, in the order of tasks.parquet.

Memory is bounded by one batch of tasks and the parts it refers to, plus about 100 bytes per request of the plan.
Answers are read here; reading is pure, so this can be done again at any time without a call.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import run_paths, tables
from schemas.answer_format import AnswerFormat, answer_format
from schemas.errors import ExitCode
from storage.parts import read_part
from storage.runs import load_codebook, load_manifest, load_state
from storage.store import Store
from workers.predictions.request_index import NO_UNIT, RequestIndex, task_batches
from workers.predictions.tuned_columns import TunedModels
from workers.reading.answers import READER_VERSION
from workers.reading.readings import Landed, Reader, Reading, averaged


@dataclass(frozen=True)
class Compacted:
    """What a compaction found."""

    n_tasks: int
    statuses: dict[str, int] = field(default_factory=dict)
    cost_usd: float = 0.0
    maybe_paid: int = 0

    @property
    def exit_code(self) -> ExitCode:
        """TASKS_FAILED if a task failed, else DONE."""
        return ExitCode.TASKS_FAILED if self.statuses.get("failed", 0) else ExitCode.DONE


def _nothing() -> None:
    """No progress wanted."""


def compact(
    store: Store, run_id: str, *, progress: Callable[[], object] = _nothing, version: int = READER_VERSION
) -> Compacted:
    """Write predictions.parquet from what has landed; open tasks are `pending` (`cancelled` in a cancelled run).

    Args:
        store: where the run lives.
        run_id: a planned run, finished or not.
        progress: called after each batch.
        version: of the answer reader.

    Raises:
        StoreError: a part, the plan or the tasks are damaged.
    """
    run = _Run(store, run_id, version)
    n_tasks, statuses, cost = 0, Counter[str](), 0.0
    with (
        store.writing(run_paths.predictions(run_id)) as scratch,
        pq.ParquetWriter(scratch, tables.PREDICTIONS, compression="zstd") as writer,
    ):
        for batch in task_batches(store, run_id):
            rows = _Batch(store, run_id, batch, run).table()
            writer.write_table(rows)
            n_tasks += rows.num_rows
            statuses.update(rows["status"].to_pylist())
            cost += float(np.sum(rows["cost_usd"].to_numpy()))
            progress()
    return Compacted(n_tasks, dict(statuses), cost, int(run.index.maybe_paid.sum()))


class _Run:
    """What all batches of a run share."""

    def __init__(self, store: Store, run_id: str, version: int) -> None:
        self.index = RequestIndex.build(store, run_id)
        self.questions = load_codebook(store, run_id).questions
        manifest = load_manifest(store, run_id)
        self.arms = manifest.study.arms
        state = load_state(store, run_id)
        self.tuned = TunedModels(store, manifest, [one.entry for one in state.replaced])
        self.imports = {name for name, arm in self.arms.items() if arm.imported is not None}
        self.version = version
        open_status = "cancelled" if state.phase == "cancelled" else "pending"
        self.reader = Reader(self.questions, open_status, version)
        self._shapes: dict[tuple[str, str], AnswerFormat] = {}

    def shape(self, arm: str, question_id: str) -> AnswerFormat:
        """How an arm answers a question."""
        found = self._shapes.get((arm, question_id))
        if found is None:
            found = answer_format(self.arms[arm], self.questions[question_id])
            self._shapes[arm, question_id] = found
        return found


_COPIED = [
    "model", "model_version", "deployment", "served_model", "system_fingerprint", "transport", "source_run_id",
    "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "latency_s", "finish_reason",
    "error_code", "error_message", "created_at",
]  # fmt: skip


class _Batch:
    """Predictions of one batch of tasks."""

    def __init__(self, store: Store, run_id: str, tasks: pa.Table, run: "_Run") -> None:
        self._run_id = run_id
        self._tasks = tasks
        self._run = run
        self._at = run.index.positions(tasks["request_id"])
        self._answers = self._answers_of(store)

    def table(self) -> pa.Table:
        """Schema `tables.PREDICTIONS`."""
        columns: dict[str, Any] = {name: self._tasks[name] for name in self._tasks.column_names}
        columns |= {name: self._answers[name] for name in _COPIED}
        columns |= self._readings()
        columns |= self._shares()
        n = self._tasks.num_rows
        columns["run_id"] = [self._run_id] * n
        models = columns["model"].to_pylist()
        columns["model_version"] = self._run.tuned.versions(models)
        columns["in_sample"] = self._run.tuned.in_sample(models, self._tasks["respondent_id"].to_pylist())
        columns["reader_version"] = [self._run.version] * n
        return pa.table({name: columns[name] for name in tables.PREDICTIONS.names}, schema=tables.PREDICTIONS)

    def _answers_of(self, store: Store) -> pa.Table:
        """One row of `tables.RESPONSES` per task, all null where nothing has landed."""
        index, has = self._run.index, self._at >= 0
        unit = np.where(has, index.unit[self._at], NO_UNIT)
        needed = [int(u) for u in np.unique(unit) if u != NO_UNIT]
        parts = [read_part(store, self._run_id, index.units[u]) for u in needed]
        starts = dict(zip(needed, np.cumsum([0] + [p.num_rows for p in parts]), strict=False))
        everything = pa.concat_tables([*parts, tables.RESPONSES.empty_table()])
        offset = np.array([starts.get(int(u), 0) for u in unit])
        take = offset + np.where(has, index.row[self._at], 0)
        return everything.take(pa.array(take, mask=unit == NO_UNIT))

    def _readings(self) -> dict[str, Any]:
        names = ("question_id", "imported_text", "turn", "option_order", "option_orders")
        columns = [*(self._tasks[c].to_pylist() for c in names), self._asking_arms()]
        landed = [self._answers[c].to_pylist() for c in Landed._fields]
        readings: list[Reading] = []
        by_order: list[list[dict[str, Any]] | None] = []
        for (question_id, imported, turn, order, orders, arm), reply in zip(
            zip(*columns, strict=True), zip(*landed, strict=True), strict=True
        ):
            shape, reader = self._run.shape(arm, question_id), self._run.reader
            told = None
            if arm in self._run.imports:
                reading = reader.imported(question_id, shape, imported)
            elif orders is None:
                reading = reader.landed(question_id, shape, Landed(*reply), order, turn)
            else:
                found = reader.samples(question_id, shape, Landed(*reply), orders)
                reading = averaged(found, self._run.questions[question_id])
                told = [{"option_order": o, "answer": one.answer} for o, one in zip(orders, found, strict=True)]
            readings.append(reading)
            by_order.append(told)
        out: dict[str, Any] = {name: [getattr(r, name) for r in readings] for name in Reading._fields}
        out["probabilities"] = [None if p is None else list(p.items()) for p in out["probabilities"]]
        out["averaged"] = by_order
        out["truth_label"] = self._truth_labels()
        out["transport"] = self._transports()
        return out

    def _asking_arms(self) -> list[str]:
        """The arm that answers each task: of a route the one that it chose."""
        pairs = zip(self._tasks["arm"].to_pylist(), self._tasks["route_arm"].to_pylist(), strict=True)
        return [arm if chosen is None else chosen for arm, chosen in pairs]

    def _truth_labels(self) -> list[str | None]:
        pairs = zip(self._tasks["question_id"].to_pylist(), self._tasks["truth"].to_pylist(), strict=True)
        return [None if code is None else self._run.questions[question].labels[code] for question, code in pairs]

    def _transports(self) -> list[str | None]:
        landed = self._answers["transport"].to_pylist()
        has = self._at >= 0
        return [t if has[i] else "imported" for i, t in enumerate(landed)]

    def _shares(self) -> dict[str, np.ndarray]:
        index, has = self._run.index, self._at >= 0
        shared = np.where(has, index.shared_by[self._at], 1)
        cost = np.where(has, index.cost[self._at], 0.0)
        attempts = np.where(has, index.attempts[self._at], 0)
        return {
            "shared_by": shared.astype(np.int32),
            "attempts": attempts.astype(np.int32),
            "request_cost_usd": cost,
            "cost_usd": cost / shared,
        }
