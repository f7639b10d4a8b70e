import json

import pyarrow.parquet as pq
import pytest

from producer.imports import Imported
from producer.prompt_preview import preview_of
from schemas.errors import UserInputError
from tests.support.plans import BASIC, COT, FEW_SHOT, make_inputs, make_plan

ARMS = {"basic": BASIC, "cot": COT, "few": FEW_SHOT}


@pytest.mark.parametrize("arm", list(ARMS))
def test_preview_is_what_the_plan_holds(tmp_path, arm):
    make_plan(tmp_path, arms=ARMS)
    tasks = pq.read_table(tmp_path / "tasks.parquet").to_pylist()
    plan = {row["request_id"]: row for row in pq.read_table(tmp_path / "plan.parquet").to_pylist()}

    found = preview_of(make_inputs(arms=ARMS), respondent_id="r004", question_id="Q2", arm=arm)

    key = ("r004", "Q2", arm)
    task = next(t for t in tasks if (t["respondent_id"], t["question_id"], t["arm"]) == key)
    row = plan[task["request_id"]]
    assert found.request_id == task["request_id"]
    assert [found.messages] == json.loads(row["turns"])
    assert found.parameters == json.loads(row["parameters"])
    assert (found.answer_format, found.max_tokens) == (row["answer_format"], row["max_tokens"])
    assert found.planned_tokens == row["prompt_tokens"] == pytest.approx(found.prompt_tokens, rel=0.02)


@pytest.mark.parametrize(
    ("wrong", "needle"),
    [
        pytest.param({"respondent_id": "r999"}, "no respondent r999", id="respondent"),
        pytest.param({"question_id": "Q9"}, "no question Q9", id="question"),
        pytest.param({"arm": "basik"}, "Did you mean basic", id="arm"),
        pytest.param({"arm": "earlier"}, "imports its answers", id="import"),
    ],
)
def test_what_the_study_does_not_have_is_told(wrong, needle):
    arms = ARMS | {"earlier": {"import": "e.csv"}}
    inputs = make_inputs(arms=arms, imports={"earlier": Imported({"Q1": {}}, "")})
    named = {"respondent_id": "r004", "question_id": "Q1", "arm": "basic"} | wrong

    with pytest.raises(UserInputError, match=needle):
        preview_of(inputs, **named)
