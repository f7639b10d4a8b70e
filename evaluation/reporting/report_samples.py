"""Sample answers for the report: what models wrote, also what could not be read. Never who they answered as."""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from schemas import run_paths
from storage.parts import open_table
from storage.store import Store

PER_CELL = 3
LONGEST = 300
"""Characters shown of one answer."""

_COLUMNS = ["task_id", "question_id", "arm", "status", "answer_label", "answer_text"]
_ROWS_AT_ONCE = 131_072


class Sample(NamedTuple):
    """One answer; `read_as` is "" where it could not be read."""

    question: str
    arm: str
    status: str
    read_as: str
    text: str


def sample_answers(store: Store, run_id: str) -> list[Sample]:
    """Up to three answers of each question, arm and kind of outcome, by task id, the same in every report."""
    found: dict[tuple[str, str, str], list[tuple[str, Sample]]] = {}
    with open_table(store, run_paths.predictions(run_id)) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=_COLUMNS):
            _collect(pa.Table.from_batches([batch]), found)
    return [sample for key in sorted(found) for _, sample in sorted(found[key])[:PER_CELL]]


def _collect(table: pa.Table, found: dict[tuple[str, str, str], list[tuple[str, Sample]]]) -> None:
    """Keep the first few of the batch by task id in each cell."""
    table = table.filter(pc.is_valid(table["answer_text"]))
    if not table.num_rows:
        return
    table = table.sort_by("task_id")
    keys = ["question_id", "arm", "status"]
    numbered = table.append_column("row", pa.array(range(table.num_rows)))
    firsts = numbered.group_by(keys, use_threads=False).aggregate([("row", "list")])
    for group in firsts.to_pylist():
        rows = sorted(group["row_list"])[:PER_CELL]
        for one in table.take(pa.array(rows)).to_pylist():
            text = one["answer_text"].strip()
            shown = text if len(text) <= LONGEST else text[:LONGEST] + " ..."
            label = one["answer_label"]
            sample = Sample(one["question_id"], one["arm"], one["status"], "" if label is None else label, shown)
            found.setdefault((sample.question, sample.arm, sample.status), []).append((one["task_id"], sample))
