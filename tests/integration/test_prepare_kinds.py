"""Training answers of every kind of question in every format are read back as what the people said."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from finetuning.preparing.gathering import OWN_WORDS
from finetuning.preparing.prepare import PrepareOptions, prepare
from producer.check import check
from producer.plan import plan_run
from schemas.answer_format import answer_format
from schemas.codebook import Codebook
from storage.runs import load_codebook, load_manifest
from storage.store import Store
from tests.support.kinds_study import FORMATS, KIND_OF, write_kinds_study
from workers.reading.answer_values import Choice, Number, Read, Several, Words, offered_by
from workers.reading.answers import read_answer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
N = 60


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("kinds")
    store = Store(folder / "runs")
    checked = check(write_kinds_study(folder / "study", "http://127.0.0.1:9/v1", n=N), environ={})
    plan_run(checked, out_dir=store.path("run"), run_id="run", created_at=NOW)
    return store


def said(task: dict[str, Any], asked: str) -> Read:
    """What a person answered, as reading an answer tells it."""
    if asked == "several":
        return Several(tuple(task["truth_codes"]))
    if asked == "numeric":
        return Number(task["truth_number"])
    return Words(task["truth_text"], None) if asked == "open" else Choice(task["truth"])


def targets(folder: Path) -> dict[str, set[str]]:
    """Last user message -> answers behind it."""
    found: dict[str, set[str]] = {}
    for name in ("training.jsonl", "validation.jsonl"):
        for line in (folder / name).read_bytes().splitlines():
            *before, answer = json.loads(line)["messages"]
            found.setdefault(before[-1]["content"], set()).add(answer["content"])
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_training_answers_are_read_back_as_what_people_said(store: Store, tmp_path: Path, form: str) -> None:
    manifest = prepare(store, "run", form, tmp_path, options=PrepareOptions(), now=NOW)

    run, book, written = load_manifest(store, "run"), load_codebook(store, "run"), targets(tmp_path)
    prompts = {
        row["request_id"]: json.loads(row["turns"])[0][-1]["content"]
        for row in pq.read_table(store.path("run/plan.parquet"), columns=["request_id", "turns"]).to_pylist()
    }
    asked, n = set(), 0
    for task in pq.read_table(store.path("run/tasks.parquet")).to_pylist():
        if task["arm"] == form and task["split"] != "test" and task["truth_status"] == "answered":
            read = _read_back(written[prompts[task["request_id"]]], run.study.arms[form], book, task)
            kind = answer_format(run.study.arms[form], _of(book, task)).asked
            assert _matching(read, task, kind), task
            asked.add(kind)
            n += 1
    assert asked == {"single", "several", "numeric", "open"}
    assert manifest.training.n_lines + (manifest.validation.n_lines if manifest.validation else 0) == n
    assert set(manifest.counts) == set(KIND_OF)
    assert set(manifest.counts["WORRY"]) == {OWN_WORDS}


def _of(book: Codebook, task: dict[str, Any]) -> Any:
    return book.questions[task["question_id"]]


def _read_back(answers: set[str], arm: Any, book: Codebook, task: dict[str, Any]) -> list[Read]:
    question = _of(book, task)
    offered = offered_by(question, task["option_order"] or None)
    return [read_answer(text, answer_format(arm, question), offered) for text in answers]


def _matching(read: list[Read], task: dict[str, Any], asked: str) -> bool:
    wanted = said(task, asked)
    if isinstance(wanted, Words):
        return any(isinstance(one, Words) and one.text == wanted.text for one in read)
    return wanted in read


def test_people_who_refused_are_no_target_of_any_kind(store: Store, tmp_path: Path) -> None:
    manifest = prepare(store, "run", "number", tmp_path, options=PrepareOptions(), now=NOW)

    tasks = pq.read_table(store.path("run/tasks.parquet"), columns=["arm", "split", "truth_status"]).to_pylist()
    mine = [t for t in tasks if t["arm"] == "number" and t["split"] != "test"]
    assert manifest.n_without_answer == sum(t["truth_status"] != "answered" for t in mine) > 0
    assert "99" not in manifest.counts["HOURS"]
