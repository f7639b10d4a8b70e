"""Every kind of question in every answer format, through plan, workers and compaction, on the emulator."""

import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from tests.support.fleet import running_fleet
from tests.support.kinds_study import FORMATS, KIND_OF, write_kinds_study

N_RESPONDENTS = 12
ARMS = [*FORMATS, *(f"cot_{form}" for form in FORMATS)]
OWN_WORDS = {"number", "label", "letter"}
"""Arms in which an open answer has no agreed shape: whatever is written is the answer."""


@pytest.fixture(scope="module", params=["plain", "rambling"])
def run(request):
    """Rows of the result and of the tasks, from an emulator of this manner."""
    with running_fleet(n_workers=1, emulator={"manner": {"style": request.param}}) as fleet:
        fleet.open(write_kinds_study(fleet.folder / "study", fleet.emulator.base_url, n=N_RESPONDENTS))
        fleet.until_finished()
        tasks = pq.read_table(fleet.store.path(run_paths.tasks("run"))).to_pylist()
        yield request.param, fleet.rows(), tasks


def test_every_task_has_one_row_and_every_kind_and_format_occurs(run):
    _, rows, tasks = run

    assert [row["task_id"] for row in rows] == [task["task_id"] for task in tasks]
    assert {(row["question_id"], row["arm"]) for row in rows} == {(q, arm) for q in KIND_OF for arm in ARMS}


def test_plain_answers_are_all_read_and_rambling_ones_never_are(run):
    manner, rows, _ = run
    shaped = [row for row in rows if KIND_OF[row["question_id"]] != "open" or row["arm"] not in OWN_WORDS]

    assert len(shaped) > 0.95 * len(rows)
    assert {row["status"] for row in shaped} == {"answered" if manner == "plain" else "unparsed"}


def test_answers_stand_in_the_column_of_their_kind(run):
    manner, rows, _ = run
    for row in rows if manner == "plain" else []:
        kind = KIND_OF[row["question_id"]]
        filled = {name for name in ("answer", "answer_codes", "answer_number") if row[name] is not None}
        wanted = {"several": {"answer_codes"}, "numeric": {"answer_number"}}.get(kind, {"answer"})
        assert filled == wanted, (kind, row["answer_text"])


def test_nobody_who_was_not_asked_has_a_task(run):
    _, rows, _ = run

    assert {row["truth_status"] for row in rows} == {"answered", "refused"}
    hours = [row for row in rows if row["question_id"] == "HOURS" and row["arm"] == "number"]
    assert all(row["truth_number"] is not None or row["truth_status"] == "refused" for row in hours)
    assert 0 < len(hours) < N_RESPONDENTS
