"""An experiment over strategies, templates and layouts, with a route, from the study file to the evaluation."""

import math
from collections import Counter

import pyarrow.parquet as pq
import pytest

from evaluation.job import evaluate_run
from schemas import run_paths
from schemas.run import RunManifest
from storage.runs import load_manifest
from tests.support.fleet import Fleet, running_fleet, study_of

pytestmark = pytest.mark.e2e
MORE = """\
experiment:
  cross: {strategy: [basic, logprobs], persona: [null, short], layout: {pf: persona_first, qf: question_first}}
  with: {model: mini, questions: [mood]}
  leave_out: [{strategy: logprobs, persona: short}]
"""
ARMS = """\
  talk: {model: mini, strategy: basic, layout: interview}
  own: {model: mini, strategy: template, prompt: own.j2, last_line: true}
  ladder: {model: mini, strategy: probabilities}
  hybrid: {route: [{when: "region == 2", arm: talk}, {arm: basic}]}
"""
OWN = """\
[user]
{{ persona }}
Describe this person.
[answer]
[user]
You said: {{ answers[0] }}
Question: {{ question }}
{% for option in options %}{{ option.code }}. {{ option.label }}
{% endfor %}{{ instruction }}
"""


@pytest.fixture(scope="module")
def fleet():
    with running_fleet(n_workers=1, emulator={"latency": {"median_s": 0.0}}) as fleet:
        study = study_of(fleet, n_respondents=30, shard_size=32)
        folder = study.parent
        text = study.read_text("utf-8").replace("evaluate:", ARMS + "evaluate:", 1) + MORE
        study.write_text(
            text.replace("  template: persona.j2\n", "  template: persona.j2\n  templates: {short: s.j2}\n")
        )
        (folder / "s.j2").write_text("Aged {{ age }}.\n")
        (folder / "own.j2").write_text(OWN)
        fleet.open(study)
        fleet.until_finished()
        yield fleet


def manifest(fleet: Fleet) -> RunManifest:
    return load_manifest(fleet.store, "run")


def test_experiment_s_arms_have_readable_names_and_rows(fleet):
    arms = Counter(row["arm"] for row in fleet.rows())

    crossed = [name for name in arms if name not in {"basic", "talk", "own", "ladder", "hybrid"}]
    assert sorted(crossed) == [
        "basic-no_persona-pf", "basic-no_persona-qf", "basic-short-pf", "basic-short-qf",
        "logprobs-no_persona-pf", "logprobs-no_persona-qf",
    ]  # fmt: skip
    assert {arms[name] for name in crossed} == {30}
    assert {row["status"] for row in fleet.rows()} == {"answered"}


def test_arm_of_the_experiment_that_asks_the_same_shares_its_requests(fleet):
    mood = [row for row in fleet.rows() if row["question_id"] == "mood"]
    asked = {arm: [r["request_id"] for r in mood if r["arm"] == arm] for arm in ("basic", "basic-no_persona-pf")}

    assert asked["basic"] == asked["basic-no_persona-pf"]


def test_route_takes_the_answers_of_its_arms_and_costs_nothing_more(fleet):
    rows = {(r["arm"], r["respondent_id"], r["question_id"]): r for r in fleet.rows()}
    routed = [row for row in rows.values() if row["arm"] == "hybrid"]

    assert {row["route_arm"] for row in routed} == {"talk", "basic"}
    for row in routed:
        served = rows[row["route_arm"], row["respondent_id"], row["question_id"]]
        assert (row["answer"], row["request_id"]) == (served["answer"], served["request_id"])
    bill = float(fleet.emulator.purchases()["bill_usd_exact"])
    assert math.isclose(math.fsum(r["cost_usd"] for r in fleet.rows()), bill, abs_tol=1e-9)
    assert fleet.bought_twice() == 0


def test_ladder_is_resolved_in_the_run_and_read_as_probabilities(fleet):
    assert manifest(fleet).study.arms["ladder"].strategy == "logprobs"
    assert all(row["probabilities"] for row in fleet.rows() if row["arm"] == "ladder")


def test_evaluation_scores_the_probabilities_of_arms_that_have_them(fleet):
    evaluate_run(fleet.store, "run")

    metrics = pq.read_table(fleet.store.path(run_paths.evaluation("run", "metrics.parquet"))).to_pylist()
    losses = {
        row["arm"]: row["value"]
        for row in metrics
        if (row["metric"], row["question_id"], row["split"]) == ("log_loss", "mood", "all") and not row["weighted"]
    }
    assert losses["ladder"] > 0
    assert losses["basic"] is None
