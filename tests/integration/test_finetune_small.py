"""From a small study to a registered model on the emulator, without processes of our own."""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.tuning.files import held_out_prompts
from finetuning.checking.check_file import check_file
from finetuning.jobs.submit import Submission, TrainingFiles
from finetuning.jobs.watching import Looked, look
from finetuning.preparing.prepare import PrepareOptions, prepare
from finetuning.preparing.training_lines import training_line
from finetuning.versions.promotion import Verdict
from finetuning.versions.registry import add_version, promote
from producer.check import Checked, check
from producer.plan import plan_run
from providers.tuning_client import open_tuning_client
from schemas.errors import UserInputError
from schemas.tuning import TuningLedger
from storage.runs import load_manifest
from storage.store import Store
from storage.tuning_records import load_ledger, load_registry, results_path
from tests.support.batches import sdk
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.small_study import MODELS, STUDY, Row, write_study
from tests.support.tunings import FAST
from tests.support.until import until
from workers.predictions.tuned_columns import TunedModels
from workers.tuning_poll import EVERY_S, TuningPoll

NOW = datetime(2026, 11, 22, tzinfo=UTC)
N = 150


@pytest.fixture(scope="module")
def emulator() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=FAST) as running:
        yield running


def leaning(row: Row) -> Row:
    """Women are well, men badly; every tenth refuses; ages tell respondents apart."""
    number = int(str(row["ID"])) - 100
    mood = 99 if number % 10 == 9 else 1 if row["SEX"] == 2 else 3
    return {**row, "AGE": 1000 + number, "MOOD": mood}


def planned(folder: Path, emulator: TestEmulator, study: str, **more: object) -> tuple[Store, Checked]:
    models = MODELS.replace("http://127.0.0.1:9/v1", emulator.base_url)
    path = write_study(folder, study=study, models=models, n=N, change=leaning)
    checked = check(path, environ={}, **more)
    store = Store(folder / "runs")
    plan_run(checked, out_dir=store.path("run"), run_id="run", created_at=NOW)
    return store, checked


async def trained(store: Store, folder: Path, ledger: TuningLedger) -> Looked:
    client = open_tuning_client(ledger.entry, ledger.entry.deployments[0], environ={})
    files = TrainingFiles(folder / "training.jsonl", folder / "validation.jsonl")
    begun = await Submission(store, client, files).run(ledger)
    while not (seen := await look(store, client, begun)).is_over:
        await asyncio.sleep(0.1)
    await client.close()
    return seen


async def test_small_study_goes_from_plan_to_a_model_that_plans_ask(emulator: TestEmulator, tmp_path: Path) -> None:
    store, checked = planned(tmp_path, emulator, STUDY)
    out = tmp_path / "tuning"

    manifest = prepare(store, "run", "basic", out, options=PrepareOptions(seed=3), now=NOW)
    report = check_file(out / "training.jsonl", model="gpt-4.1-mini")
    ledger = TuningLedger(
        key="small", entry_name="mini", entry=checked.models["mini"], model="gpt-4.1-mini", created_at=NOW, seed=1
    )
    seen = await trained(store, out, ledger)

    assert report.n_errors == 0
    assert (seen.ledger.state, seen.ledger.error) == ("succeeded", None)
    assert len(seen.curves.points["train_loss"]) == 15
    _nobody_held_out(emulator, str(seen.ledger.training_file), store)
    name = seen.ledger.tuned_model
    version = add_version(store, "small-tuned", seen.ledger, model=str(name), deployment=None, cost_usd=None, now=NOW)
    promote(store, "small-tuned", "v1", verdict=Verdict("non_inferior", ""), evaluation={}, now=NOW)
    live = load_registry(store).models["small-tuned"].live()
    assert live is not None
    assert version.entry == live.entry

    study = STUDY.split("arms:")[0] + "arms:\n  tuned: {model: small-tuned, strategy: basic, respondents: test}\n"
    other, _ = planned(tmp_path / "next", emulator, study, registered={"small-tuned": live.entry})
    run = load_manifest(other, "run")
    assert run.models["small-tuned"].model == name
    assert run.models["small-tuned"].version == "small-tuned@v1"
    _answers_like_the_humans(emulator, other, str(name))
    tuned = TunedModels(other, run)
    assert tuned.versions([name, "gpt-4.1-mini", None]) == ["small-tuned@v1", None, None]
    assert manifest.n_test > 0


async def test_keepers_poll_writes_the_end_of_a_job_nobody_watches(emulator: TestEmulator, tmp_path: Path) -> None:
    store, checked = planned(tmp_path, emulator, STUDY)
    prepare(store, "run", "basic", tmp_path / "t", options=PrepareOptions(), now=NOW)
    entry = checked.models["mini"]
    ledger = TuningLedger(key="unseen", entry_name="mini", entry=entry, model="gpt-4.1-mini", created_at=NOW)
    client = open_tuning_client(entry, entry.deployments[0], environ={})
    await Submission(store, client, TrainingFiles(tmp_path / "t" / "training.jsonl")).run(ledger)
    await client.close()
    poll = TuningPoll(store, {}, clock=itertools.count(step=EVERY_S + 1).__next__)

    def is_over() -> bool:
        poll.tick()
        kept = load_ledger(store, "unseen")
        return kept is not None and kept.state == "succeeded"

    await asyncio.to_thread(until, is_over, 60.0)
    assert store.exists(results_path("unseen"))


def _nobody_held_out(emulator: TestEmulator, file_id: str, store: Store) -> None:
    """Reads the file at the emulator: ages tell respondents apart."""
    with sdk(emulator, "openai") as client:
        text = client.files.content(file_id).text
    tasks = pq.read_table(store.path("run/tasks.parquet"), columns=["respondent_id", "split"]).to_pylist()
    split = {int(row["respondent_id"]) - 100: row["split"] for row in tasks}
    ages = {int(found) - 1000 for found in re.findall(r"You are (\d{4}) years", text)}
    assert ages
    assert {split[age] for age in ages} == {"train"}
    assert '"content":"99"' not in text


def _answers_like_the_humans(emulator: TestEmulator, store: Store, name: str) -> None:
    plan = pq.read_table(store.path("run/plan.parquet"), columns=["turns"]).to_pylist()
    with sdk(emulator, "openai") as client:
        for row in plan:
            messages = json.loads(row["turns"])[0]
            told = messages[-1]["content"]
            if "How are you?" in told:
                said = client.chat.completions.create(model=name, messages=messages, temperature=0, max_tokens=4)
                assert said.choices[0].message.content == ("1" if "a woman" in told else "3")


def test_two_files_of_one_seed_are_the_same_bytes_and_another_seed_shuffles(
    emulator: TestEmulator, tmp_path: Path
) -> None:
    store, _ = planned(tmp_path, emulator, STUDY)
    made = {}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        prepare(store, "run", "basic", tmp_path / name, options=PrepareOptions(seed=seed), now=NOW)
        made[name] = (tmp_path / name / "training.jsonl").read_bytes()

    assert made["a"] == made["b"] != made["c"]
    assert sorted(made["a"].splitlines()) == sorted(made["c"].splitlines())


def test_completion_form_has_separator_blank_and_stop_mark(emulator: TestEmulator, tmp_path: Path) -> None:
    store, _ = planned(tmp_path, emulator, STUDY)

    prepare(store, "run", "basic", tmp_path / "t", options=PrepareOptions(form="completion", bom=True), now=NOW)

    data = (tmp_path / "t" / "training.jsonl").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    lines = [json.loads(line) for line in data.decode("utf-8-sig").splitlines()]
    assert {line["completion"] for line in lines} == {" 1 END", " 2 END", " 3 END"}
    assert all(line["prompt"].endswith("\n\n###\n\n") for line in lines)
    assert check_file(tmp_path / "t" / "training.jsonl", model="gpt-4.1-mini").n_errors == 0


@pytest.mark.parametrize(("arm", "word"), [("cot", "reasons"), ("none", "no arm")])
def test_arm_that_cannot_be_trained_is_refused(emulator: TestEmulator, tmp_path: Path, arm: str, word: str) -> None:
    store, _ = planned(tmp_path, emulator, STUDY)

    with pytest.raises(UserInputError, match=word):
        prepare(store, "run", arm, tmp_path / "t", options=PrepareOptions(), now=NOW)


def test_prompt_of_a_test_respondent_is_found_in_a_file_of_either_form(emulator: TestEmulator, tmp_path: Path) -> None:
    store, _ = planned(tmp_path, emulator, STUDY)
    tests = {
        t["request_id"] for t in pq.read_table(store.path("run/tasks.parquet")).to_pylist() if t["split"] == "test"
    }
    plan = pq.read_table(store.path("run/plan.parquet"), columns=["request_id", "turns"]).to_pylist()
    turns = next(row["turns"] for row in plan if row["request_id"] in tests and "Reason briefly" not in row["turns"])

    for form in ("chat", "completion"):
        (tmp_path / "leak.jsonl").write_bytes(training_line(turns, "1", form) * 12)
        report = check_file(
            tmp_path / "leak.jsonl", model="gpt-4.1-mini", held_out=held_out_prompts(store, "run", "basic")
        )
        assert any(problem.code == "leakage" for problem in report.problems), form


def test_arm_of_a_completion_model_is_not_prepared_as_a_chat(emulator: TestEmulator, tmp_path: Path) -> None:
    models = MODELS.replace("gpt-4.1-mini", "babbage-002\n    family: completion")
    path = write_study(tmp_path, models=models.replace("max_completion_tokens", "max_tokens"))
    store = Store(tmp_path / "runs")
    study = STUDY.split("arms:")[0] + "arms:\n  basic: {model: mini, strategy: basic}\n"
    path.write_text(study, encoding="utf-8")
    plan_run(check(path, environ={}), out_dir=store.path("run"), run_id="run", created_at=NOW)

    with pytest.raises(UserInputError, match="with prompts") as e:
        prepare(store, "run", "basic", tmp_path / "t", options=PrepareOptions(form="chat"), now=NOW)
    made = prepare(store, "run", "basic", tmp_path / "t", options=PrepareOptions(), now=NOW)

    assert "--form" in e.value.where
    assert made.form == "completion"


def test_examples_in_a_prompt_are_not_learned_unless_asked_for(emulator: TestEmulator, tmp_path: Path) -> None:
    store, _ = planned(tmp_path, emulator, STUDY)
    weights = {}
    for name, options in (("with", PrepareOptions()), ("without", PrepareOptions(weights=False))):
        prepare(store, "run", "few_shot", tmp_path / name, options=options, now=NOW)
        lines = [json.loads(line) for line in (tmp_path / name / "training.jsonl").read_bytes().splitlines()]
        said = [[m for m in line["messages"] if m["role"] == "assistant"] for line in lines]
        weights[name] = {(m.get("weight"), at == len(ms) - 1) for ms in said for at, m in enumerate(ms)}

    assert weights["with"] == {(0, False), (None, True)}
    assert weights["without"] == {(None, False), (None, True)}


def test_byte_order_mark_is_as_the_models_tuning_says(emulator: TestEmulator, tmp_path: Path) -> None:
    models = MODELS.replace("    deployments:", "    tuning: {bom: true}\n    deployments:")
    path = write_study(tmp_path, models=models)
    store = Store(tmp_path / "runs")
    plan_run(check(path, environ={}), out_dir=store.path("run"), run_id="run", created_at=NOW)

    begins = {}
    for bom in (None, False):
        prepare(store, "run", "basic", tmp_path / "t", options=PrepareOptions(bom=bom), now=NOW)
        begins[bom] = (tmp_path / "t" / "training.jsonl").read_bytes()[:3] == b"\xef\xbb\xbf"

    assert begins == {None: True, False: False}
