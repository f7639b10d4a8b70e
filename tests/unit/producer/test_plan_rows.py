"""Tasks and requests of a plan: for whom, shared by whom, with which examples."""

import json

import pyarrow.parquet as pq
import pytest

from producer.imports import Imported
from schemas import tables
from schemas.errors import StudyError, UserInputError
from schemas.run import RunManifest
from tests.support.plans import (
    BASIC,
    COT,
    FEW_SHOT,
    make_model,
    make_plan,
    plan_rows,
    request_ids,
)

THREE_ARMS = {"basic": BASIC, "cot": COT, "few": FEW_SHOT}
SAMPLED = {"model": "mini", "strategy": "basic", "parameters": {"temperature": 1}}


def test_tasks_come_by_respondent_question_and_arm(tmp_path):
    make_plan(tmp_path, n=3, arms={"z": BASIC, "a": COT})

    order = [(t["respondent_id"], t["question_id"], t["arm"]) for t in plan_rows(tmp_path, "tasks.parquet")]
    assert order == [(f"r00{i}", q, arm) for i in range(3) for q in ("Q1", "Q2") for arm in ("z", "a")]


def test_identical_deterministic_requests_are_shared(tmp_path):
    made = make_plan(tmp_path, columns={"AGE": [40] * 12})

    tasks = plan_rows(tmp_path, "tasks.parquet")
    assert made.totals.n_requests == 4  # two areas, two questions
    assert len(tasks) == 24
    assert {t["request_id"] for t in tasks} == set(request_ids(tmp_path))


def test_sampled_requests_are_shared_by_nobody(tmp_path):
    made = make_plan(tmp_path, arms={"warm": SAMPLED}, columns={"AGE": [40] * 12})

    assert made.totals.n_requests == 24


def test_arms_with_equal_requests_share_them(tmp_path):
    made = make_plan(tmp_path, arms={"a": BASIC, "b": BASIC})

    assert (made.totals.n_tasks, made.totals.n_requests) == (48, 24)


def test_arm_covers_its_split_and_questions_only(tmp_path):
    make_plan(tmp_path, arms={"basic": BASIC | {"respondents": "test", "questions": ["Q2"]}})

    tasks = plan_rows(tmp_path, "tasks.parquet")
    assert {(t["question_id"], t["split"]) for t in tasks} == {("Q2", "test")}
    assert len(tasks) == 4


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        pytest.param("asked", ["answered", "refused", "dont_know", "file_missing"], id="asked"),
        pytest.param("all", ["answered", "refused", "dont_know", "not_asked", "file_missing"], id="all"),
    ],
)
def test_every_truth_status_gets_tasks_but_not_asked_only_on_request(tmp_path, ask, expected):
    status = ["answered", "refused", "dont_know", "not_asked", "file_missing"]

    make_plan(tmp_path, n=5, questions={"Q1": {"ask": ask}}, columns={"Q1_status": status})

    tasks = plan_rows(tmp_path, "tasks.parquet")
    assert [t["truth_status"] for t in tasks] == expected
    assert [t["truth"] is not None for t in tasks] == [s == "answered" for s in expected]


def test_arm_parameters_lie_over_the_models_and_null_takes_one_away(tmp_path):
    make_plan(tmp_path, arms={"a": BASIC | {"parameters": {"max_completion_tokens": 20, "temperature": None}}})

    assert json.loads(plan_rows(tmp_path, "plan.parquet")[0]["parameters"]) == {"max_completion_tokens": 20}


def test_pilot_lies_inside_the_full_run(tmp_path):
    few = {"basic": BASIC, "few": FEW_SHOT}
    small = make_plan(tmp_path / "s", n=60, pilot=10, arms=few)
    make_plan(tmp_path / "m", n=60, pilot=20, arms=few)
    make_plan(tmp_path / "full", n=60, arms=few)

    assert small.totals.n_respondents == len(plan_rows(tmp_path / "s", "respondents.parquet")) == 10
    assert set(request_ids(tmp_path / "s")) < set(request_ids(tmp_path / "m")) < set(request_ids(tmp_path / "full"))


def test_pilot_is_drawn_from_those_some_arm_asks(tmp_path):
    made = make_plan(tmp_path, n=60, pilot=10, arms={"basic": BASIC | {"respondents": "test"}})

    assert made.totals.n_tasks == 20


def test_pilot_of_nobody_is_refused(tmp_path):
    with pytest.raises(UserInputError):
        make_plan(tmp_path, pilot=0)


def test_imported_answers_are_joined_by_respondent(tmp_path):
    answers = {"Q1": {f"r{i:03d}": str(1 + i % 3) if i < 9 else "2" for i in reversed(range(11))}}

    made = make_plan(tmp_path, arms={"earlier": {"import": "e.csv"}}, imports={"earlier": Imported(answers, "ab")})

    tasks = plan_rows(tmp_path, "tasks.parquet")
    eligible = [t for t in tasks if t["truth"] is not None]
    matches = sum(t["imported_text"] == str(t["truth"]) for t in eligible)
    assert (matches, len(eligible)) == (10, 12)  # nine made to match, r010 by chance; r009 wrong, r011 not in the file
    assert all(t["request_id"] is None for t in tasks)
    assert {t["question_id"] for t in tasks} == {"Q1"}
    assert made.totals.n_requests == 0
    assert pq.read_table(tmp_path / "plan.parquet").schema.equals(tables.PLAN)
    assert made.hashes["import:earlier"] == "ab"
    assert RunManifest.model_validate_json((tmp_path / "run.json").read_bytes()) == made


@pytest.mark.parametrize(
    "room",
    [
        pytest.param({"context_window_tokens": 90}, id="window"),
        pytest.param({"deployment": {"tpm": 95}}, id="minute"),
        pytest.param({"deployment": {"tpm": 90, "quota_counting": "actual"}}, id="minute of actual tokens"),
    ],
)
def test_request_that_no_service_would_take_stops_the_plan_without_its_text(tmp_path, room):
    with pytest.raises(StudyError) as error:
        make_plan(tmp_path, models={"mini": make_model(**room)})

    assert [p.where for p in error.value.problems] == ["arms.basic", "arms.basic"]
    assert "Q1" in error.value.problems[0].what
    assert not any("years" in str(p) for p in error.value.problems)
    assert not (tmp_path / "run.json").exists()


def test_request_that_fits_one_of_two_pools_is_planned(tmp_path):
    small, large = make_model(deployment={"tpm": 95}), make_model()
    west = large.deployments[0].model_copy(update={"name": "west"})
    both = small.model_copy(update={"deployments": [*small.deployments, west]})

    assert make_plan(tmp_path, models={"mini": both}).totals.n_requests == 24


def test_example_without_a_training_answer_is_an_error_told_once_per_question(tmp_path):
    with pytest.raises(StudyError) as error:
        make_plan(tmp_path, arms={"few": FEW_SHOT}, columns={"split": ["test"] * 12})

    assert len(error.value.problems) == 2


def test_relaxed_examples_are_counted_by_respondent(tmp_path):
    made = make_plan(
        tmp_path,
        arms={"few": FEW_SHOT | {"match": ["AREA", "AGE"]}},
        columns={"AGE": [20] * 10 + [70, 80]},
    )

    assert made.totals.relaxed_examples == {"few": 2}
    assert any("few" in note for note in made.notes)


def test_examples_are_real_answers_of_matching_training_respondents(tmp_path):
    make_plan(tmp_path, n=30, questions={"Q1": {}}, arms={"few": FEW_SHOT})
    ages = {18 + i: (1 + i % 3, 1 + i % 2, "test" if i % 3 == 0 else "train") for i in range(30)}

    for row in plan_rows(tmp_path, "plan.parquet"):
        *shown, asked = json.loads(row["turns"])[0][1:]
        own = age_of(asked)
        for user, assistant in zip(shown[::2], shown[1::2], strict=True):
            code, area, split = ages[age_of(user)]
            assert (int(assistant["content"]), area, split) == (code, ages[own][1], "train")
            assert age_of(user) != own


def age_of(message):
    return int(message["content"].split(" years old")[0].rsplit(" ", 1)[1])


def test_respondent_without_any_persona_field_is_asked_the_bare_question(tmp_path):
    made = make_plan(tmp_path, n=1, columns={"AGE": [None], "AREA": [None]})

    turns = json.loads(plan_rows(tmp_path, "plan.parquet")[0]["turns"])
    assert turns[0][1]["content"].startswith("Question: What do you think of Q1?")
    assert "no persona field: 1;" in made.notes[0]
