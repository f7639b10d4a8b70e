"""inspect, check, plan, prompt on a small study."""

import json

import pytest

from storage.store import Store
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=20, reuse="study")


def test_check_sums_up_a_good_study(nightpoll, study):
    said = nightpoll("check", study.parent)

    assert said.code == 0
    assert said.out.splitlines()[0] == "ok: tiny"
    assert "20" in said.out
    assert "mini (gpt-4.1-mini)" in said.out


def test_check_as_json_lists_problems_with_place_and_hint(nightpoll, study):
    study.write_text(study.read_text().replace("fields: [age, region]", "fields: [age, regoin]"))

    said = nightpoll("check", study, "--json")

    document = json.loads(said.out)
    assert (said.code, document["ok"]) == (2, False)
    assert any("region" in problem["hint"] for problem in document["problems"] if problem["level"] == "error")


def test_check_reports_a_study_that_cannot_be_read_as_json_too(nightpoll, tmp_path):
    (tmp_path / "study.yaml").write_text("study: [")

    said = nightpoll("check", tmp_path, "--json")

    assert said.code == 2
    assert json.loads(said.out)["problems"]


def test_plan_counts_and_leaves_no_run_and_no_staging(nightpoll, study, store):
    said = nightpoll("plan", study, "--json")

    document = json.loads(said.out)
    assert (document["n_tasks"], document["n_requests"], document["reused"]) == (40, 40, 0)
    assert [path.name for path in store.iterdir()] == [".nightpoll"]
    assert list((store / ".nightpoll" / "staging").iterdir()) == []


def test_plan_says_what_earlier_runs_answered(nightpoll, study, store):
    made = open_run(study, store, run_id="earlier")
    land(made, "earlier", lambda _row: {"system_fingerprint": "fp"})

    document = json.loads(nightpoll("plan", study, "--pilot", "5", "--json").out)

    assert (document["n_requests"], document["reused_by_run"]) == (10, {"earlier": 10})


def test_plan_for_people_names_cost_and_time(nightpoll, study, store):
    said = nightpoll("plan", study)

    assert said.code == 0
    assert "cost         about $" in said.out
    assert "at the stated quotas" in said.out


def test_prompt_is_what_the_plan_holds(nightpoll, study, store):
    document = json.loads(
        nightpoll("prompt", study, "--respondent", "1003", "--question", "trust", "--arm", "basic", "--json").out
    )

    made: Store = open_run(study, store)
    task = json.loads(nightpoll("show", "r", "--respondent", "1003", "--question", "trust", "--json").out)["rows"][0]
    planned = json.loads(nightpoll("show", "r", task["task_id"], "--json").out)["request"]
    assert made.exists("r/run.json")
    assert planned["messages"] == document["messages"]
    assert planned["request_id"] == document["request_id"]


def test_prompt_for_people_shows_messages_and_tokens(nightpoll, study):
    said = nightpoll("prompt", study, "--respondent", "1003", "--question", "trust", "--arm", "basic")

    assert "You are 21 years old." in said.out
    assert "1. Yes" in said.out
    assert "in the prompt, at most" in said.out


def test_inspect_shows_candidates_and_shares(nightpoll, study):
    said = nightpoll("inspect", study.parent / "survey.csv")

    assert said.code == 0
    assert "20 respondents, 6 variables" in said.out
    assert "respondent id: id" in said.out
    assert "weight: none found" in said.out


def test_inspect_of_one_variable_shows_that_one_only(nightpoll, study):
    document = json.loads(nightpoll("inspect", study.parent / "survey.csv", "--variable", "mood", "--json").out)

    assert [report["name"] for report in document["variables"]] == ["mood"]
    assert sum(value["share"] for value in document["variables"][0]["values"]) == pytest.approx(1)


def test_inspect_writes_a_study_that_finds_its_survey_from_another_folder(nightpoll, study, tmp_path):
    (tmp_path / "other").mkdir()

    nightpoll("inspect", study.parent / "survey.csv", "--write-study", tmp_path / "other" / "draft.yaml")

    assert 'file: "../study/survey.csv"' in (tmp_path / "other" / "draft.yaml").read_text()


def test_inspect_never_overwrites_a_study(nightpoll, study):
    before = study.read_text()

    said = nightpoll("inspect", study.parent / "survey.csv", "--write-study", study)

    assert said.code == 2
    assert "there already" in said.err
    assert study.read_text() == before


def test_plan_lists_ways_and_takes_the_cheapest_that_meets_the_deadline(nightpoll, tmp_path):
    keys = 'base_url: "http://127.0.0.1:9/v1"'
    made = write_study(
        tmp_path / "auto", "http://127.0.0.1:9/v1", n_respondents=20, arm_keys="transport: auto", batch=[keys]
    )

    calm = nightpoll("plan", made)
    hurried = nightpoll("plan", made, "--deadline", "2099-01-01T06:30:00+00:00", "--budget", "5", "--json")
    wrong = nightpoll("plan", made, "--deadline", "at dawn")

    assert "mini in batches: $" in calm.out
    ways = json.loads(hurried.out)["transport"]
    assert [(o["transport"], o["via"], o["meets_deadline"]) for o in ways["options"]] == [
        ("online", "mini0", True), ("batch", "b0", True),
    ]  # fmt: skip
    assert (ways["taken"], ways["budget_usd"]) == ({"basic": "batch"}, 5.0)
    assert (wrong.code, "--deadline" in wrong.err, "Traceback" in wrong.err) == (2, True, False)
