import pyarrow.parquet as pq
import pytest

from cli.views.show import show_task, task_document
from schemas import run_paths
from storage.store import Store
from tests.support.plans import COT, land_answers, make_run
from workers.predictions.compaction import compact


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def document(store: Store) -> dict:
    row = pq.read_table(store.path(run_paths.predictions("r"))).to_pylist()[0]
    return task_document(store, "r", row)


def test_task_of_several_turns_shows_each_turn_and_each_answer_once(store, capsys):
    make_run(store, "r", n=3, arms={"a": COT | {"stages": 3}})
    land_answers(store, "r", turns=["a nurse", "hard times", "so\nANSWER: 2"])
    compact(store, "r")

    show_task(document(store))

    shown = capsys.readouterr().out
    order = [
        "You are 18",
        "who is this person",
        "a nurse",
        "What are the times",
        "hard times",
        "Question:",
        "ANSWER: 2",
    ]
    assert [shown.count(text) for text in order if text != "Question:"] == [1] * 6
    assert [shown.index(text) for text in order] == sorted(shown.index(text) for text in order)


def test_task_that_ended_early_shows_the_turn_that_was_last(store):
    make_run(store, "r", n=3, arms={"a": COT | {"stages": 3}})
    land_answers(store, "r", outcome="filtered", turns=["a nurse"])
    compact(store, "r")

    calls = document(store)["request"]["calls"]

    assert [call["answer"] for call in calls] == ["a nurse", None]
    assert calls[1]["messages"][-1]["content"].startswith("What are the times")


def test_task_of_one_turn_has_no_further_calls(store):
    make_run(store, "r", n=3)
    land_answers(store, "r")
    compact(store, "r")

    assert document(store)["request"]["calls"] == []
