"""Tasks of a plan that can be trained on: one arm's, of training and validation respondents with an answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas import run_paths, tables
from schemas.errors import UserInputError
from storage.parts import open_table
from storage.store import Store

TRUTHS = ("truth", "truth_codes", "truth_number", "truth_text")
"""Columns of human answers: a code, codes ticked, a number, own words."""
KEPT = ("split", "respondent_id", "question_id", "turn", *TRUTHS)
"""Columns that lines are made of."""
_COLUMNS = [*KEPT, "arm", "request_id", "truth_status", "option_order"]
_LATER_COLUMNS = ("turn", *TRUTHS)
"""Plans of earlier versions may be without these."""
_SPLITS = ("train", "validation")


@dataclass(frozen=True)
class PlanTasks:
    """Trainable tasks, sorted by request.

    Attributes:
        request: 16-byte ids, shape (n,), ascending.
        rows: the same rows as a table: split, respondent_id, question_id, turn, TRUTHS, option_order.
        test_ids: respondents held out.
        n_without_answer: tasks of training respondents without an answer; never a target.
    """

    request: np.ndarray
    rows: pa.Table
    test_ids: frozenset[str]
    n_without_answer: int

    def of(self, request_ids: pa.Array) -> Iterator[tuple[int, int]]:
        """(position among the requests given, row) of every trainable task that one of them serves."""
        wanted = _ids(request_ids)
        first, last = np.searchsorted(self.request, wanted, "left"), np.searchsorted(self.request, wanted, "right")
        for at in np.flatnonzero(last > first):
            for row in range(first[at], last[at]):
                yield int(at), row


def plan_tasks(store: Store, run_id: str, arm: str) -> PlanTasks:
    """Read the tasks of an arm.

    Raises:
        UserInputError: no training respondent of the arm has an answer.
    """
    kept, test, n_without = [], set[str](), 0
    with open_table(store, run_paths.tasks(run_id)) as file:
        for batch in file.iter_batches(65_536, columns=_COLUMNS):
            table = _with_all_columns(pa.Table.from_batches([batch]))
            test.update(pc.unique(table.filter(pc.equal(table["split"], "test"))["respondent_id"]).to_pylist())
            mine = table.filter(pc.and_(pc.equal(table["arm"], arm), pc.is_valid(table["request_id"])))
            mine = mine.filter(pc.is_in(mine["split"], pa.array(_SPLITS)))
            has_one = reduce(pc.or_, (pc.is_valid(mine[name]) for name in TRUTHS))
            answered = mine.filter(pc.and_(pc.equal(mine["truth_status"], "answered"), has_one))
            n_without += len(mine) - len(answered)
            kept.append(answered.drop_columns(["arm", "truth_status"]))
    rows = pa.concat_tables(kept)
    if not len(rows) or "train" not in pc.unique(rows["split"]).to_pylist():
        hint = "Let the arm ask `respondents: all` or train, and keep a training share in the split."
        raise UserInputError(f"the plan has no training respondent with an answer for {arm}.", hint=hint)
    ids = _ids(rows["request_id"])
    order = np.argsort(ids, kind="stable")
    split = rows["split"].combine_chunks().dictionary_encode()
    question = rows["question_id"].combine_chunks().dictionary_encode()
    slim = pa.table({
        "split": split, "respondent_id": rows["respondent_id"], "question_id": question,
        **{name: rows[name] for name in ("turn", *TRUTHS, "option_order")},
    })  # fmt: skip
    return PlanTasks(ids[order], slim.take(pa.array(order)), frozenset(test), n_without)


def _with_all_columns(table: pa.Table) -> pa.Table:
    """The table with nulls in columns that plans of earlier versions do not have."""
    for name in _LATER_COLUMNS:
        if name not in table.column_names:
            table = table.append_column(tables.TASKS.field(name), pa.nulls(len(table), tables.TASKS.field(name).type))
    return table


def plan_requests(store: Store, run_id: str) -> Iterator[pa.Table]:
    """Requests of a plan in pieces: request_id, turns."""
    with open_table(store, run_paths.plan(run_id)) as file:
        for batch in file.iter_batches(4_096, columns=["request_id", "turns"]):
            yield pa.Table.from_batches([batch])


def ids_sha256(ids: frozenset[str]) -> str:
    """SHA-256 of the sorted ids."""
    return sha256("\n".join(sorted(ids)).encode()).hexdigest()


def _ids(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    return np.array([bytes.fromhex(text) for text in column.to_pylist()], dtype="S16")
