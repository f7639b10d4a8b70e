"""evaluate: warnings first, then tables, then where the figures are."""

import json

from schemas import run_paths


def test_evaluate_warns_before_anything_else_and_ends_with_the_files(nightpoll, run):
    said = nightpoll("evaluate", "r")

    lines = said.out.splitlines()
    assert said.code == 0, said.err
    assert lines[0] == "r"
    assert lines[1].startswith("SIMULATED_SERVICE")
    assert "8 tasks pending" in lines[1]
    assert said.out.index("Coverage") < said.out.index("Accuracy")
    files = [str(run.path(run_paths.evaluation("r", name))) for name in ("metrics.json", "metrics.parquet")]
    assert set(lines[-2:]) == set(files)


def test_evaluate_summary_is_twenty_lines_at_most_below_the_id(nightpoll, run):
    said = nightpoll("evaluate", "r", "--summary")

    lines = said.out.splitlines()
    assert said.code == 0, said.err
    assert lines[0] == "r"
    assert lines[1].startswith("SIMULATED_SERVICE")
    assert any("plain logit" in line for line in lines)
    assert any("best arm" in line for line in lines)
    assert len(lines) <= 21
    assert run.exists(run_paths.evaluation("r", "metrics.json"))


def test_evaluate_summary_beside_json_is_refused(nightpoll, run):
    said = nightpoll("evaluate", "r", "--summary", "--json")

    assert (said.code, said.out) == (2, "")
    assert "--summary" in said.err


def test_evaluate_as_json_is_one_document_with_one_entry_a_run(nightpoll, run):
    said = nightpoll("evaluate", "r", "--split", "test", "--json")

    document = json.loads(said.out)
    assert [entry["run_id"] for entry in document["runs"]] == ["r"]
    splits = {row["split"] for arms in document["runs"][0]["questions"].values() for a in arms.values() for row in a}
    assert splits == {"test"}


def test_evaluate_stops_before_any_work_if_one_id_is_wrong(nightpoll, run):
    said = nightpoll("evaluate", "r", "nope")

    assert (said.code, said.out) == (2, "")
