"""Rows of predictions.parquet: filtered, counted, grouped by reason; in bounded memory."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas import run_paths
from schemas.errors import UserInputError
from storage.parts import landed_units, open_table, read_part
from storage.store import Store
from workers.shards.landing import RANK

BATCH_ROWS = 20_000
SHORTEST_PREFIX = 6

LISTED = [
    "task_id", "respondent_id", "question_id", "arm", "truth", "truth_label", "truth_status",
    "answer", "answer_label", "status", "error_code", "answer_text",
    "truth_number", "truth_codes", "answer_number", "answer_codes",
]  # fmt: skip
"""Columns of a listed row; those that an earlier version did not write are left out."""


@dataclass(frozen=True)
class Rows:
    """The first rows that match, and how many match in all."""

    rows: list[dict[str, Any]]
    n_matching: int


@dataclass
class Reason:
    """Tasks that ended alike.

    Attributes:
        example: one of them, columns as LISTED with error_message.
    """

    status: str
    error_code: str | None
    n_tasks: int = 0
    example: dict[str, Any] = field(default_factory=dict)


def matching_rows(store: Store, run_id: str, wanted: Mapping[str, str], *, n: int) -> Rows:
    """Rows whose columns have the wanted values.

    Args:
        store: where the run lives.
        run_id: a compacted run.
        wanted: column -> value.
        n: rows to return at most.
    """
    rows: list[dict[str, Any]] = []
    n_matching = 0
    for batch in _batches(store, run_id, LISTED):
        found = _filtered(batch, wanted)
        n_matching += found.num_rows
        if len(rows) < n:
            rows += found.slice(0, n - len(rows)).to_pylist()
    return Rows(rows, n_matching)


def task_row(store: Store, run_id: str, task: str) -> dict[str, Any]:
    """Every column of one task.

    Args:
        store: where the run lives.
        run_id: a compacted run.
        task: its id, or the beginning of it.

    Raises:
        UserInputError: no task, or more than one, begins like this.
    """
    if len(task) < SHORTEST_PREFIX:
        raise UserInputError(
            f"{task!r} is too short for a task id.", where="TASK", hint=f"Give {SHORTEST_PREFIX} characters or more."
        )
    found: list[dict[str, Any]] = []
    for batch in _batches(store, run_id, None):
        found += batch.filter(pc.starts_with(batch["task_id"], task)).to_pylist()
    if not found:
        raise UserInputError(
            f"the run {run_id!r} has no task {task!r}.", where="TASK", hint=f"`nightpoll show {run_id}` lists tasks."
        )
    if len(found) > 1:
        raise UserInputError(f"{len(found)} tasks begin with {task!r}.", where="TASK", hint="Give more of the id.")
    return found[0]


def answered_texts(store: Store, run_id: str, request_id: str) -> list[str]:
    """Texts of a request's turns as they landed, the best outcome's; [] if nothing has landed."""
    found: list[tuple[int, list[str]]] = []
    for unit in sorted(landed_units(store, run_id)):
        part = read_part(store, run_id, unit, ["request_id", "outcome", "turns"])
        rows = part.filter(pc.equal(part["request_id"], request_id)).to_pylist()
        found += [(RANK[row["outcome"]], row["turns"]) for row in rows]
    return min(found, key=lambda one: one[0])[1] if found else []


def request_row(store: Store, run_id: str, request_id: str) -> dict[str, Any] | None:
    """The request of a plan; None if it is not there."""
    with open_table(store, run_paths.plan(run_id)) as file:
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, columns=["request_id"])["request_id"]
            at = pc.index(ids, request_id).as_py()
            if at >= 0:
                row: dict[str, Any] = file.read_row_group(group).slice(at, 1).to_pylist()[0]
                return row
    return None


def reasons(store: Store, run_id: str) -> list[Reason]:
    """Tasks without an answer, grouped by status and reason, most frequent first."""
    counts: Counter[tuple[str, str | None]] = Counter()
    samples: dict[tuple[str, str | None], dict[str, Any]] = {}
    for batch in _batches(store, run_id, [*LISTED, "error_message"]):
        without = batch.filter(pc.not_equal(batch["status"], "answered"))
        keys = list(zip(without["status"].to_pylist(), without["error_code"].to_pylist(), strict=True))
        counts.update(keys)
        for position, key in enumerate(keys):
            if key not in samples:
                samples[key] = without.slice(position, 1).to_pylist()[0]
    return [Reason(*key, n_tasks=n, example=samples[key]) for key, n in counts.most_common()]


def checked_choice(value: str, known: list[str], option: str) -> str:
    """The value, if there is such a thing.

    Raises:
        UserInputError: with the nearest name, or all of them.
    """
    if value in known:
        return value
    near = get_close_matches(value, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
    raise UserInputError(f"there is no {value!r} in this run.", where=option, hint=hint)


def _filtered(batch: pa.Table, wanted: Mapping[str, str]) -> pa.Table:
    for column, value in wanted.items():
        batch = batch.filter(pc.equal(batch[column], value))
    return batch


def _batches(store: Store, run_id: str, columns: list[str] | None) -> Iterator[pa.Table]:
    with open_table(store, run_paths.predictions(run_id)) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
            yield pa.Table.from_batches([batch])
