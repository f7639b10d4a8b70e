"""Training lines of requests of several turns: the conversation as it will be asked, people's own answers in it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from emulator.tuning.training_file import read_training_file
from finetuning.checking.check_file import check_file
from finetuning.preparing.conversations import is_one_turn, up_to
from finetuning.preparing.prepare import PrepareOptions, prepare
from producer.check import check
from producer.plan import plan_run
from producer.prompting.turns import Turns
from schemas.errors import UserInputError
from schemas.identity import canonical_json
from schemas.tuning import TuningManifest
from storage.store import Store
from tests.support.small_study import STUDY, Row, write_study

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ARMS = """\
groups: {both: [MOOD, NEWS]}
arms:
  memory: {model: mini, strategy: basic, memory: true}
  orders: {model: mini, strategy: basic, permutations: 2}
  basic: {model: mini, strategy: basic}
  routed: {route: [{when: "SEX == 1", arm: basic}, {arm: orders}]}
"""


def person(row: Row) -> Row:
    """Every second person tells the same of himself as the one before; every fifth says nothing of his mood."""
    number = int(str(row["ID"])) - 100
    return {
        **row,
        "AGE": 1000 + number // 2,
        "SEX": 1 + number // 2 % 2,
        "MOOD": 99 if number % 5 == 0 else 1 + number % 3,
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("turns")
    store = Store(folder / "runs")
    path = write_study(folder, study=STUDY.split("arms:")[0] + ARMS, n=80, change=person)
    plan_run(check(path, environ={}), out_dir=store.path("run"), run_id="run", created_at=NOW)
    return store


def prepared(store: Store, folder: Path, arm: str, **options: Any) -> tuple[TuningManifest, list[dict[str, Any]]]:
    manifest = prepare(store, "run", arm, folder, options=PrepareOptions(**options), now=NOW)
    names = ("training.jsonl", "validation.jsonl")
    return manifest, [json.loads(line) for name in names for line in (folder / name).read_bytes().splitlines()]


def known(store: Store) -> dict[str, dict[str, Any]]:
    """Respondent -> mood and news as he told them, and the turns of his request; test respondents left out."""
    turns = {r["request_id"]: r["turns"] for r in pq.read_table(store.path("run/plan.parquet")).to_pylist()}
    people: dict[str, dict[str, Any]] = {}
    for task in pq.read_table(store.path("run/tasks.parquet")).to_pylist():
        if task["arm"] == "memory" and task["split"] != "test":
            one = people.setdefault(task["respondent_id"], {"turns": turns[task["request_id"]]})
            one[task["question_id"]] = task["truth"]
    return people


def test_each_answer_stands_behind_the_conversation_that_will_be_asked(store: Store, tmp_path: Path) -> None:
    manifest, lines = prepared(store, tmp_path, "memory")

    wanted = []
    for one in known(store).values():
        if one["MOOD"] is not None:
            turns = Turns.from_json(one["turns"])
            wanted.append((turns.messages([]), str(one["MOOD"])))
            wanted.append((turns.messages([str(one["MOOD"])]), str(one["NEWS"])))
    bare = [[{k: m[k] for k in ("content", "role")} for m in line["messages"]] for line in lines]
    expected = [[*before, {"content": answer, "role": "assistant"}] for before, answer in wanted]
    assert sorted(map(canonical_json, bare)) == sorted(map(canonical_json, expected))
    assert manifest.n_without_earlier == sum(one["MOOD"] is None for one in known(store).values()) > 0
    assert len({one["turns"] for one in known(store).values()}) < len(known(store)), "people share requests"


def test_earlier_answers_are_not_learned(store: Store, tmp_path: Path) -> None:
    _, lines = prepared(store, tmp_path, "memory")

    weights = {tuple(m.get("weight") for m in line["messages"] if m["role"] == "assistant") for line in lines}
    training = (tmp_path / "training.jsonl").read_bytes().splitlines()
    assert weights == {(None,), (0, None)}
    assert len(read_training_file(training).examples) == len(training)
    assert check_file(tmp_path / "training.jsonl", model="").n_errors == 0


def test_question_asked_later_is_prepared_alone_with_what_was_said_before_it(store: Store, tmp_path: Path) -> None:
    _, lines = prepared(store, tmp_path, "memory", questions=("NEWS",))

    assert {len(line["messages"]) for line in lines} == {5}
    assert all("Do you read the news?" in line["messages"][3]["content"] for line in lines)


def test_conversation_in_the_older_form_marks_earlier_answers(store: Store, tmp_path: Path) -> None:
    _, lines = prepared(store, tmp_path, "memory", form="completion", questions=("NEWS",))

    assert all("\n\nAnswer: " in line["prompt"] for line in lines)
    assert check_file(tmp_path / "training.jsonl", model="").n_errors == 0


@pytest.mark.parametrize(
    ("arm", "words"),
    [pytest.param("orders", "no person answered", id="permutations"), pytest.param("routed", "others", id="route")],
)
def test_arm_whose_turns_nobody_answers_is_refused(store: Store, tmp_path: Path, arm: str, words: str) -> None:
    with pytest.raises(UserInputError, match=words):
        prepare(store, "run", arm, tmp_path, options=PrepareOptions(), now=NOW)


@pytest.mark.parametrize("text", ["plain", '}],[{"', "}],[{", '}],{"fresh"', "[[{}],[{}]]", '"}],[{"'])
def test_turns_are_told_apart_whatever_texts_say(text: str) -> None:
    message = {"content": text, "role": "user"}

    assert is_one_turn(canonical_json([[message]]))
    assert is_one_turn(canonical_json([[message, message]]))
    assert not is_one_turn(canonical_json([[message], [message]]))
    assert not is_one_turn(canonical_json([[message], {"fresh": [message]}]))
    assert not is_one_turn(canonical_json([[message], {"again": 0}]))


def test_turn_that_quotes_an_answer_of_the_model_is_refused() -> None:
    quoting = canonical_json([[{"content": "a", "role": "user"}], [{"content": ["You said ", 0], "role": "user"}]])

    with pytest.raises(UserInputError):
        up_to(quoting, 1, {0: "1"})
