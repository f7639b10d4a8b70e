"""Compaction: tasks + parts -> predictions.parquet, exactly one row per task, in the order of tasks.parquet.

Memory is bounded by one batch of tasks and the parts it refers to, plus about 100 bytes per request of the plan.
Answers are read here; reading is pure, so this can be done again at any time without a call.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from producer.strategies import strategy_of
from schemas import run_paths, tables
from schemas.codebook import Codebook
from schemas.errors import ExitCode
from schemas.study import Arm
from storage.parts import read_part
from storage.runs import load_codebook, load_manifest, load_state
from storage.store import Store
from workers.answers import READER_VERSION, Choice, read_answer
from workers.request_index import NO_UNIT, RequestIndex, task_batches

IMPORTED = "imported"


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


def compact(store: Store, run_id: str, *, progress: Callable[[], object] = _nothing) -> Compacted:
    """Write predictions.parquet from what has landed; open tasks are `pending` (`cancelled` in a cancelled run).

    Args:
        store: where the run lives.
        run_id: a planned run, finished or not.
        progress: called after each batch.

    Raises:
        StoreError: a part, the plan or the tasks are damaged.
    """
    index = RequestIndex.build(store, run_id)
    codebook = load_codebook(store, run_id)
    open_status = "cancelled" if load_state(store, run_id).phase == "cancelled" else "pending"
    formats = _answer_formats(store, run_id)
    n_tasks, statuses, cost = 0, Counter[str](), 0.0
    with (
        store.writing(run_paths.predictions(run_id)) as scratch,
        pq.ParquetWriter(scratch, tables.PREDICTIONS, compression="zstd") as writer,
    ):
        for batch in task_batches(store, run_id):
            rows = _Batch(store, run_id, batch, index, codebook, formats, open_status).table()
            writer.write_table(rows)
            n_tasks += rows.num_rows
            statuses.update(rows["status"].to_pylist())
            cost += float(np.sum(rows["cost_usd"].to_numpy()))
            progress()
    return Compacted(n_tasks, dict(statuses), cost, int(index.maybe_paid.sum()))


def _answer_formats(store: Store, run_id: str) -> dict[str, str]:
    """Arm -> how its answers are read."""
    arms = load_manifest(store, run_id).study.arms
    return {name: _answer_format(arm) for name, arm in arms.items()}


def _answer_format(arm: Arm) -> str:
    if arm.imported is not None:
        return IMPORTED
    return strategy_of(arm).answer_format


_COPIED = [
    "model", "model_version", "deployment", "served_model", "system_fingerprint", "transport", "source_run_id",
    "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "latency_s", "finish_reason",
    "error_code", "error_message", "created_at",
]  # fmt: skip


class _Reading(NamedTuple):
    """The columns that reading an answer fills."""

    status: str
    answer: int | None
    answer_label: str | None
    answer_text: str | None
    error_code: str | None
    error_message: str | None


class _Batch:
    """Predictions of one batch of tasks."""

    def __init__(
        self,
        store: Store,
        run_id: str,
        tasks: pa.Table,
        index: RequestIndex,
        codebook: Codebook,
        formats: dict[str, str],
        open_status: str,
    ) -> None:
        self._run_id = run_id
        self._tasks = tasks
        self._index = index
        self._questions = codebook.questions
        self._formats = formats
        self._open_status = open_status
        self._at = index.positions(tasks["request_id"])
        self._answers = self._answers_of(store)
        self._cache: dict[tuple[str, str, str], _Reading] = {}

    def table(self) -> pa.Table:
        """Schema `tables.PREDICTIONS`."""
        columns: dict[str, Any] = {name: self._tasks[name] for name in self._tasks.column_names}
        columns.pop("imported_text")
        columns |= {name: self._answers[name] for name in _COPIED}
        columns |= self._readings()
        columns |= self._shares()
        n = self._tasks.num_rows
        columns["run_id"] = [self._run_id] * n
        columns["in_sample"] = [False] * n
        columns["reader_version"] = [READER_VERSION] * n
        for name in ("route_arm", "probabilities", "covered_mass"):
            columns[name] = pa.nulls(n, tables.PREDICTIONS.field(name).type)
        return pa.table({name: columns[name] for name in tables.PREDICTIONS.names}, schema=tables.PREDICTIONS)

    def _answers_of(self, store: Store) -> pa.Table:
        """One row of `tables.RESPONSES` per task, all null where nothing has landed."""
        has = self._at >= 0
        unit = np.where(has, self._index.unit[self._at], NO_UNIT)
        needed = [int(u) for u in np.unique(unit) if u != NO_UNIT]
        parts = [read_part(store, self._run_id, self._index.units[u]) for u in needed]
        starts = dict(zip(needed, np.cumsum([0] + [p.num_rows for p in parts]), strict=False))
        everything = pa.concat_tables([*parts, tables.RESPONSES.empty_table()])
        offset = np.array([starts.get(int(u), 0) for u in unit])
        take = offset + np.where(has, self._index.row[self._at], 0)
        return everything.take(pa.array(take, mask=unit == NO_UNIT))

    def _readings(self) -> dict[str, list[Any]]:
        columns = [self._tasks[c].to_pylist() for c in ("question_id", "arm", "truth", "imported_text")]
        landed = [self._answers[c].to_pylist() for c in ("outcome", "turns", "error_code", "error_message")]
        out: dict[str, list[Any]] = {name: [] for name in _Reading._fields}
        out["truth_label"] = []
        for question_id, arm, truth, imported, outcome, turns, code, message in zip(*columns, *landed, strict=True):
            text = imported if self._formats[arm] == IMPORTED else (turns[-1] if turns else None)
            reading = self._reading(question_id, arm, text, outcome, code, message)
            for name, value in zip(_Reading._fields, reading, strict=True):
                out[name].append(value)
            labels = self._questions[question_id].labels
            out["truth_label"].append(None if truth is None else labels[truth])
        out["transport"] = self._transports()
        return out

    def _reading(
        self, question_id: str, arm: str, text: str | None, outcome: str | None, code: str | None, message: str | None
    ) -> "_Reading":
        if self._formats[arm] == IMPORTED:
            if text is None:
                return _Reading("failed", None, None, None, "not_in_import", "The imported file has no answer here.")
            return self._read(question_id, "number", text)
        if outcome is None:
            return _Reading(self._open_status, None, None, None, None, None)
        if outcome == "ok":
            return self._read(question_id, self._formats[arm], "" if text is None else text)
        return _Reading(outcome, None, None, text, code, message)

    def _read(self, question_id: str, answer_format: str, text: str) -> "_Reading":
        key = (question_id, answer_format, text)
        if key not in self._cache:
            question = self._questions[question_id]
            read = read_answer(text, answer_format, {c: question.labels[c] for c in question.codes})
            if isinstance(read, Choice):
                self._cache[key] = _Reading("answered", read.code, question.labels[read.code], text, None, None)
            else:
                self._cache[key] = _Reading("unparsed", None, None, text, read.reason, _REASONS[read.reason])
        return self._cache[key]

    def _transports(self) -> list[str | None]:
        landed = self._answers["transport"].to_pylist()
        has = self._at >= 0
        return [t if has[i] else "imported" for i, t in enumerate(landed)]

    def _shares(self) -> dict[str, np.ndarray]:
        has = self._at >= 0
        shared = np.where(has, self._index.shared_by[self._at], 1)
        cost = np.where(has, self._index.cost[self._at], 0.0)
        attempts = np.where(has, self._index.attempts[self._at], 0)
        return {
            "shared_by": shared.astype(np.int32),
            "attempts": attempts.astype(np.int32),
            "request_cost_usd": cost,
            "cost_usd": cost / shared,
        }


_REASONS = {
    "no_text": "The reply holds no text.",
    "no_answer_line": "The reply has no single line `ANSWER: <code>`.",
    "code_not_offered": "The reply is a number that was not offered.",
    "no_code": "The reply is neither an offered number nor its label.",
}
