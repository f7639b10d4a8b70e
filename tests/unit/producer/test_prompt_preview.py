import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from producer.imports import Imported
from producer.prompting.prompt_preview import preview_of
from schemas.errors import UserInputError
from tests.support.plans import BASIC, COT, FEW_SHOT, make_inputs, make_plan

SAMPLES = {"model": "mini", "strategy": "repeats", "repeats": 3}
STAGES = COT | {"stages": 3}
ARMS = {"basic": BASIC, "cot": COT, "few": FEW_SHOT, "samples": SAMPLES, "stages": STAGES}


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
    first, *later = json.loads(row["turns"])
    assert found.messages == first
    assert found.later == [[] if turn == {"again": 0} else turn for turn in later]
    assert found.parameters == json.loads(row["parameters"])
    assert (found.answer_format, found.max_tokens) == (row["answer_format"], row["max_tokens"])
    assert found.planned_tokens == row["prompt_tokens"]
    if not later:
        assert found.planned_tokens == pytest.approx(found.prompt_tokens, rel=0.02)


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


def test_route_shows_the_prompt_of_the_arm_that_it_chooses():
    arms = {"basic": BASIC, "cot": COT, "hybrid": {"route": [{"when": "AGE > 1", "arm": "cot"}, {"arm": "basic"}]}}
    inputs = make_inputs(arms=arms)
    inputs = replace(inputs, prepared=replace(inputs.prepared, routes={"hybrid": [0, 1] * 6}))

    shown = {arm: preview_of(inputs, respondent_id="r000", question_id="Q1", arm=arm) for arm in ("cot", "hybrid")}

    assert shown["hybrid"] == shown["cot"]
