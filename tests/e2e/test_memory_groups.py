"""Questions asked with memory: one conversation a person, the model's own answers before each further question."""

import json
from collections import defaultdict

import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from tests.support.fleet import running_fleet
from tests.support.kinds_study import write_kinds_study

GROUP = ["MOOD", "HOURS", "PAY"]
ARMS = {
    "alone": "strategy: basic, questions: [MOOD, HOURS, PAY, NEWS]",
    "memory": "strategy: basic, memory: true, questions: [MOOD, HOURS, PAY, NEWS], shuffle_options: direction",
}


@pytest.fixture(scope="module")
def run():
    with running_fleet(n_workers=1, emulator={}) as fleet:
        path = write_kinds_study(
            fleet.folder / "study",
            fleet.emulator.base_url,
            n=12,
            arms=ARMS,
            extra="groups: {day: [MOOD, HOURS, PAY]}\n",
        )
        fleet.open(path)
        fleet.until_finished()
        tasks = pq.read_table(fleet.store.path(run_paths.tasks("run"))).to_pylist()
        plan = {row["request_id"]: row for row in pq.read_table(fleet.store.path(run_paths.plan("run"))).to_pylist()}
        yield fleet.rows(), tasks, plan, fleet.parts(), fleet.emulator.purchases()


def grouped(tasks):
    found = defaultdict(list)
    for task in tasks:
        if task["arm"] == "memory" and task["question_id"] in GROUP:
            found[task["respondent_id"]].append(task)
    return found


def test_members_that_a_person_is_asked_share_one_request_with_a_turn_each(run):
    _, tasks, plan, _, _ = run

    for members in grouped(tasks).values():
        assert len({task["request_id"] for task in members}) == 1
        assert sorted(task["turn"] for task in members) == list(range(len(members)))
        assert len(json.loads(plan[members[0]["request_id"]]["turns"])) == len(members)
    assert {len(members) for members in grouped(tasks).values()} == {2, 3}, "HOURS is not put to everybody"


def test_every_answer_is_read_from_its_own_turn(run):
    rows, tasks, _, parts, _ = run
    texts = {part["request_id"]: part["turns"] for part in parts}
    turn = {task["task_id"]: task["turn"] for task in tasks}

    assert {row["status"] for row in rows} == {"answered"}
    for row in rows:
        if turn[row["task_id"]] is not None:
            assert row["answer_text"] == texts[row["request_id"]][turn[row["task_id"]]]


def test_question_outside_the_group_is_asked_alone_and_each_turn_is_one_call(run):
    rows, tasks, plan, _, purchases = run

    assert {task["turn"] for task in tasks if task["question_id"] == "NEWS"} == {None}
    assert purchases["total"] == sum(len(json.loads(row["turns"])) for row in plan.values())
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(purchases["bill_usd"])
