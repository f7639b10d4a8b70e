from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from producer.checks.routes import route_problems
from producer.planning.files import write_plan
from schemas import run_paths
from schemas.models import Rollout
from schemas.yaml_source import read_yaml
from storage.store import Store
from tests.support.plans import BASIC, COT, CREATED_AT, land_answers, make_inputs, make_model, make_study
from workers.predictions.compaction import compact

SOURCE = read_yaml("study: small\n", "study.yaml")
ROUTE = {"route": [{"when": "AGE >= 24", "arm": "cot"}, {"arm": "basic"}]}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def planned(store: Store, *, arms: dict, taken: list[int], **more):
    inputs = make_inputs(n=12, arms=arms, **more)
    inputs = replace(inputs, prepared=replace(inputs.prepared, routes={"hybrid": taken}))
    return write_plan(inputs, out_dir=store.path("r"), run_id="r", created_at=CREATED_AT)


def tasks(store: Store) -> list[dict]:
    return pq.read_table(store.path(run_paths.tasks("r"))).to_pylist()


def test_route_shares_every_request_with_its_arms_and_costs_nothing_more(store):
    taken = [0] * 6 + [1] * 6
    alone = planned(Store(store.root / "alone"), arms={"basic": BASIC, "cot": COT}, taken=[])

    together = planned(store, arms={"hybrid": ROUTE, "basic": BASIC, "cot": COT}, taken=taken)

    assert together.totals.n_requests == alone.totals.n_requests
    assert together.totals.cost_usd == alone.totals.cost_usd
    assert together.totals.n_tasks == alone.totals.n_tasks + 24
    served = {(t["respondent_id"], t["question_id"], t["arm"]): t["request_id"] for t in tasks(store)}
    for task in tasks(store):
        if task["arm"] == "hybrid":
            assert task["request_id"] == served[task["respondent_id"], task["question_id"], task["route_arm"]]


def test_route_over_a_tuned_and_a_base_arm_asks_nothing_more_while_a_version_is_rolled_out(store):
    tuned = make_model(model="ft:live", version="npors@v1", rollout=Rollout(model="npors@v2", share=0.4))
    models = {"mini": make_model(), "npors": tuned, "npors@v2": make_model(model="ft:beside", version="npors@v2")}
    arms = {"tuned": BASIC | {"model": "npors"}, "base": BASIC}
    route = {"route": [{"when": "AGE >= 24", "arm": "tuned"}, {"arm": "base"}]}

    alone = planned(Store(store.root / "alone"), arms=arms, taken=[], models=models)
    together = planned(store, arms=arms | {"hybrid": route}, taken=[0] * 8 + [1] * 4, models=models)

    asked = {(t["respondent_id"], t["question_id"], t["arm"]): t["request_id"] for t in tasks(store)}
    routed = [t for t in tasks(store) if t["arm"] == "hybrid"]
    assert together.totals.requests_by_model == alone.totals.requests_by_model
    assert set(together.totals.requests_by_model) == {"mini", "npors", "npors@v2"}
    assert len(routed) == 24
    assert all(t["request_id"] == asked[t["respondent_id"], t["question_id"], t["route_arm"]] for t in routed)


def test_first_step_that_holds_serves_and_is_told_in_the_predictions(store):
    planned(store, arms={"basic": BASIC, "cot": COT, "hybrid": ROUTE}, taken=[0, 1] * 6)
    land_answers(store, "r", turns=["2\nANSWER: 3"])

    compact(store, "r")

    rows = pq.read_table(store.path(run_paths.predictions("r"))).to_pylist()
    by_arm = Counter((row["route_arm"], row["status"], row["answer"]) for row in rows if row["arm"] == "hybrid")
    assert by_arm == {("cot", "answered", 3): 12, ("basic", "unparsed", None): 12}
    assert {row["route_arm"] for row in rows if row["arm"] != "hybrid"} == {None}
    assert {row["shared_by"] for row in rows if row["arm"] == "hybrid"} == {2}


def test_arms_that_only_a_route_asks_are_planned(store):
    totals = planned(
        store, arms={"cot": COT | {"respondents": "test"}, "basic": BASIC, "hybrid": ROUTE}, taken=[0] * 12
    ).totals

    assert totals.tasks_by_arm == {"cot": 8, "basic": 24, "hybrid": 24}
    assert totals.n_requests == 48


@pytest.mark.parametrize(
    ("route", "code"),
    [
        pytest.param([{"arm": "basic"}], set(), id="good"),
        pytest.param([{"arm": "other"}], {"unknown_arm"}, id="no such arm"),
        pytest.param([{"arm": "a"}], {"route_to_route"}, id="itself"),
        pytest.param([{"when": "AGE > 3", "arm": "basic"}], {"route_without_end"}, id="nobody for the rest"),
        pytest.param([{"arm": "basic"}, {"arm": "cot"}], {"route_unreachable"}, id="a step behind the end"),
    ],
)
def test_routes_that_lead_nowhere_are_told(route, code):
    study = make_study(arms={"basic": BASIC, "cot": COT, "a": {"route": route}})

    assert {problem.code for problem in route_problems(study, SOURCE)} == code
