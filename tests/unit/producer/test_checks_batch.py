from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from producer.check import check
from producer.plan import plan_run
from tests.support.small_study import MODELS, STUDY, write_study

BATCH = '    batch:\n      - {name: b, base_url: "http://127.0.0.1:9/v1", auth: none}\n'
ONLINE = MODELS[MODELS.index("    deployments:") :]
AZURE = MODELS.replace("provider: openai", "provider: azure_v1").replace("gpt-4.1-mini", "gpt-4.1-mini.ft-0a1b")


def found(tmp_path, *, basic="transport: batch", cot="", models=MODELS + BATCH):
    study = STUDY.replace("{model: mini, strategy: basic}", f"{{model: mini, strategy: basic, {basic}}}")
    study = study.replace(
        "parameters: {max_completion_tokens: 600}}", f"parameters: {{max_completion_tokens: 600}}{cot}}}"
    )
    return check(write_study(tmp_path, study=study, models=models), environ={})


def codes(checked):
    return {problem.code for problem in checked.errors}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"models": MODELS}, "no_batch_deployment", id="no_batch"),
        pytest.param({"models": AZURE + BATCH}, "tuned_model_in_batch", id="azure_tuned"),
        pytest.param({"models": (MODELS + BATCH).replace(ONLINE, "")}, "no_deployment", id="online_without_deployment"),
        pytest.param(
            {"models": (MODELS + BATCH).replace(ONLINE, ""), "basic": 'transport: batch, deadline: "06:30 UTC"'},
            "deadline_without_deployment",
            id="deadline",
        ),
        pytest.param(
            {"models": (MODELS + BATCH).replace(ONLINE, ""), "basic": "transport: batch, retry: online"},
            "retry_without_deployment",
            id="retry",
        ),
        pytest.param({"cot": ", transport: batch, retry: online"}, "batch_settings_differ", id="arms_differ"),
        pytest.param(
            {"cot": ', stages: 3, transport: batch, deadline: "06:30 UTC", rescue: pay_twice'},
            "pay_twice_with_turns",
            id="pay_twice",
        ),
        pytest.param(
            {"basic": 'permutations: rotate, transport: batch, deadline: "06:30 UTC"'},
            "deadline_with_turns",
            id="rotate_by_a_deadline",
        ),
    ],
)
def test_arm_that_cannot_go_through_batches_is_refused(tmp_path, given, code):
    assert code in codes(found(tmp_path, **given))


def test_arm_with_a_batch_deployment_is_fine(tmp_path):
    assert not found(tmp_path).errors


def test_deadline_of_an_online_arm_is_told_to_have_no_effect(tmp_path):
    problems = found(tmp_path, basic='deadline: "06:30 UTC"').problems

    assert [p.code for p in problems if "deadline" in p.what] == ["no_effect"]


def test_request_of_an_online_and_a_batch_arm_is_planned_online(tmp_path):
    study = STUDY.replace(
        "  basic: {model: mini, strategy: basic}",
        "  night: {model: mini, strategy: basic, transport: batch}\n"
        "  basic: {model: mini, strategy: basic, respondents: test}",
    )
    checked = check(write_study(tmp_path, study=study, models=MODELS + BATCH), environ={})
    made = plan_run(checked, out_dir=tmp_path / "run", run_id="r", created_at=datetime.now(UTC))

    plan = {r["request_id"]: r["shard"] for r in pq.read_table(tmp_path / "run/plan.parquet").to_pylist()}
    tasks = pq.read_table(tmp_path / "run/tasks.parquet").to_pylist()
    shards = {arm: {plan[t["request_id"]] for t in tasks if t["arm"] == arm} for arm in ("basic", "night")}
    batch = set(made.batch_shards["mini"])
    only_night = {plan[t["request_id"]] for t in tasks if t["arm"] == "night" and t["split"] != "test"}
    assert shards["basic"].isdisjoint(batch)
    assert only_night <= batch
    assert set(made.shards_by_model["mini"]) == set(plan.values())
    assert made.format_no == 2


def test_plan_counts_batches_at_half_the_price(tmp_path):
    def cost(transport, folder):
        study = STUDY[: STUDY.index("  cot:")].replace("strategy: basic", f"strategy: basic, transport: {transport}")
        checked = check(write_study(tmp_path / folder, study=study, models=MODELS + BATCH), environ={})
        out = tmp_path / folder / "run"
        return plan_run(checked, out_dir=out, run_id="r", created_at=datetime.now(UTC)).totals.cost_usd

    assert cost("batch", "a") == pytest.approx(cost("online", "b") / 2)
