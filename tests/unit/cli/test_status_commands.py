"""list, show, errors on a run whose last shard is open."""

import json

import pyarrow.parquet as pq

from schemas import run_paths
from storage.runs import append_event
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study


def shown(nightpoll, *arguments):
    said = nightpoll(*arguments, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_list_shows_state_tasks_and_landed_share(nightpoll, run):
    found = shown(nightpoll, "list")["runs"]

    assert [(r["run_id"], r["state"], r["n_tasks"], r["landed_share"]) for r in found] == [("r", "running", 80, 0.9)]


def test_list_shows_a_finished_run_of_reused_answers_as_landed(nightpoll, store, tmp_path):
    made = open_run(write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=8), store)
    append_event(made, "r", "finished", {"exit_code": 0})

    assert [r["landed_share"] for r in shown(nightpoll, "list")["runs"]] == [1.0]


def test_list_of_an_empty_store_says_so(nightpoll, store):
    said = nightpoll("list")

    assert said.code == 0
    assert "no run" in said.out


def test_list_shows_a_damaged_run_beside_the_others(nightpoll, store, tmp_path):
    made = open_run(write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=8), store, run_id="good")
    made.put_if_absent("bad/run.json", b"{")

    states = {r["run_id"]: r["state"] for r in shown(nightpoll, "list")["runs"]}

    assert states == {"good": "running", "bad": "unreadable"}


def test_show_lists_truth_and_answer_side_by_side(nightpoll, run):
    said = nightpoll("show", "r", "--question", "trust", "--status", "answered", "-n", "2")

    assert said.code == 0
    assert "trust" in said.out
    assert "mood" not in said.out
    assert "1 Yes" in said.out


def test_show_counts_what_it_does_not_list(nightpoll, run):
    found = shown(nightpoll, "show", "r", "--status", "pending", "-n", "3")

    assert (found["matching"], len(found["rows"])) == (8, 3)


def test_show_of_a_respondent_lists_both_questions(nightpoll, run):
    found = shown(nightpoll, "show", "r", "--respondent", "1000")

    assert sorted(row["question_id"] for row in found["rows"]) == ["mood", "trust"]


def test_show_keeps_an_answer_from_steering_the_terminal(nightpoll, run):
    said = nightpoll("show", "r", "--status", "unparsed")

    assert "I am 42 �[31m" in said.out
    assert "\x1b[31m" not in said.out


def test_show_of_a_task_gives_the_prompt_of_the_plan(nightpoll, run):
    task = shown(nightpoll, "show", "r", "--status", "refused")["rows"][0]["task_id"]

    found = shown(nightpoll, "show", "r", task[:10])

    plan = pq.read_table(run.path(run_paths.plan("r"))).to_pylist()
    row = next(row for row in plan if row["request_id"] == found["prediction"]["request_id"])
    assert found["request"]["messages"] == json.loads(row["turns"])[0]
    assert found["prediction"]["answer_text"] == "I cannot say."


def test_show_of_a_task_prints_prompt_and_answer(nightpoll, run):
    task = shown(nightpoll, "show", "r", "--status", "refused")["rows"][0]["task_id"]

    said = nightpoll("show", "r", task)

    assert "[user]" in said.out
    assert "Question:" in said.out
    assert "I cannot say." in said.out


def test_show_of_an_unknown_task_points_to_the_list(nightpoll, run):
    said = nightpoll("show", "r", "ffffffffff")

    assert said.code == 2
    assert "nightpoll show r" in said.err


def test_show_of_a_short_task_id_asks_for_more(nightpoll, run):
    assert "too short" in nightpoll("show", "r", "3f").err


def test_show_of_an_unknown_question_names_the_nearest(nightpoll, run):
    said = nightpoll("show", "r", "--question", "moood")

    assert said.code == 2
    assert "Did you mean mood?" in said.err


def test_unknown_run_names_the_runs_there_are(nightpoll, run):
    for command in ("show", "errors", "evaluate"):
        said = nightpoll(command, "nope")

        assert said.code == 2
        assert "there is no run 'nope'" in said.err
        assert "Runs here: r." in said.err


def test_errors_groups_by_reason_with_one_example(nightpoll, run):
    found = {r["status"]: r for r in shown(nightpoll, "errors", "r")["without_answer"]}

    assert {status: reason["tasks"] for status, reason in found.items()} == {"pending": 8, "unparsed": 1, "refused": 1}
    assert found["refused"]["reason"] == "refusal"
    assert found["refused"]["example"]["answer_text"] == "I cannot say."


def test_errors_of_a_run_without_any_says_so(nightpoll, store, tmp_path):
    made = open_run(write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=8), store)
    land(made, "r", lambda _row: {})

    assert "Every task has an answer." in nightpoll("errors", "r").out


def test_predictions_of_an_open_run_are_made_anew_and_those_of_a_finished_one_are_kept(nightpoll, store, tmp_path):
    made = open_run(write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=20), store)
    assert shown(nightpoll, "show", "r", "--status", "pending")["matching"] == 40

    land(made, "r", lambda _row: {})
    assert shown(nightpoll, "show", "r", "--status", "pending")["matching"] == 0

    append_event(made, "r", "finished", {"exit_code": 0})
    written = made.path(run_paths.predictions("r")).stat().st_mtime_ns
    nightpoll("errors", "r")
    assert made.path(run_paths.predictions("r")).stat().st_mtime_ns == written
