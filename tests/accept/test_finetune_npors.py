"""NPORS in one scripted go on the emulator, and what the tuned stand-in must show on held-out respondents.

Source of the lines: the fine-tuning issue, "What it must show". Log losses are unweighted, as the fits are.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

from emulator.tuning.training import hyperparameters, train
from emulator.tuning.training_file import Example, read_training_file
from evaluation.reading.load import read_respondents
from evaluation.rivals.features import one_hot
from evaluation.rivals.logit import predicted
from producer.check import check
from producer.prompting.persona_pieces import codes_of
from storage.runs import load_codebook
from storage.store import Store
from storage.tuning_records import load_registry
from tests.support.ports import free_port

pytestmark = [pytest.mark.accept, pytest.mark.timeout(1500)]

SCRIPT = Path(__file__).parents[2] / "examples" / "npors2024" / "finetune.sh"
DRAWS = 2000
MOST_NATS, MOST_POINTS, ENOUGH_POINTS = 0.02, 3.0, 3.0


class Held(NamedTuple):
    """Held-out respondents of one question: truth as position, and ln p of each model."""

    who: np.ndarray
    truth: np.ndarray
    tuned: np.ndarray
    logit: np.ndarray
    marginal: np.ndarray
    tuned_right: np.ndarray
    logit_right: np.ndarray
    majority_right: np.ndarray


@pytest.fixture(scope="module")
def went(tmp_path_factory: pytest.TempPathFactory, npors_sav: Path) -> tuple[Path, str]:
    """The script's folder and what it printed."""
    work = tmp_path_factory.mktemp("tuned")
    here = {
        "NPORS_SAV": str(npors_sav),
        "NIGHTPOLL": f"{sys.executable} -m cli.main",
        "EMULATOR": f"{sys.executable} -m emulator",
    }
    environ = (
        os.environ | here | {"PORT": str(free_port()), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    )
    done = subprocess.run(
        [str(SCRIPT), str(work)], env=environ, check=False, capture_output=True, text=True, timeout=1400
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return work, done.stdout


@pytest.fixture(scope="module")
def held(went: tuple[Path, str]) -> dict[str, Held]:
    work, _ = went
    store = Store(work / "runs")
    rows = pq.read_table(
        store.path("tuned/predictions.parquet"),
        columns=["arm", "question_id", "respondent_id", "truth", "probabilities", "answer", "in_sample"],
    ).to_pylist()
    rows = [row for row in rows if row["arm"] == "tuned" and row["truth"] is not None]
    assert not any(row["in_sample"] for row in rows)
    return {
        q: _held(store, work, q, [r for r in rows if r["question_id"] == q]) for q in {r["question_id"] for r in rows}
    }


def _held(store: Store, work: Path, question: str, rows: list[dict[str, Any]]) -> Held:
    book = load_codebook(store, "tuned")
    codes = book.questions[question].codes
    people = read_respondents(store, "tuned", list(book.fields))
    numeric = frozenset(n for n, v in book.fields.items() if v.kind == "numeric")
    features, at = one_hot(people.codes, numeric), {who: i for i, who in enumerate(people.ids)}
    answers = _training_truth(work, question)
    truth = np.full(len(people.ids), -1, dtype=np.int64)
    for who, code in answers.items():
        truth[at[who]] = codes.index(code)
    train_rows = np.array(sorted(at[who] for who in answers))
    who = np.array([at[row["respondent_id"]] for row in rows])
    y = np.array([codes.index(row["truth"]) for row in rows])
    p_logit = predicted(features, truth, train_rows, who, len(codes))[0]
    shares = np.bincount(truth[train_rows], minlength=len(codes)) / len(train_rows)
    p_tuned = np.array([[dict(row["probabilities"])[code] for code in codes] for row in rows])
    n = np.arange(len(y))
    return Held(
        who, y, np.log(p_tuned[n, y]), np.log(np.maximum(p_logit[n, y], 1e-12)), np.log(shares[y]),
        p_tuned.argmax(axis=1) == y, p_logit.argmax(axis=1) == y, y == shares.argmax(),
    )  # fmt: skip


def _training_truth(work: Path, question: str) -> dict[str, int]:
    """Training respondents' answers, from the survey itself."""
    prepared = check(work / "study.yaml", environ={}, registered=_any_model(work)).prepared
    assert prepared is not None
    frame, answers = prepared.respondents, prepared.answers[question]
    people = zip(frame["respondent_id"], frame["split"], codes_of(answers.codes), answers.status, strict=True)
    return {str(who): code for who, split, code, status in people if split == "train" and status == "answered"}


def _any_model(work: Path) -> dict[str, Any]:
    live = load_registry(Store(work / "runs")).models["npors-tuned"].live()
    assert live is not None
    return {"npors-tuned": live.entry}


def test_go_ends_with_a_promotion(went: tuple[Path, str]) -> None:
    _, said = went

    assert any("npors-tuned@v1 is live: not worse on" in line for line in said.splitlines()[-2:])


def test_log_loss_is_close_to_the_logits_on_every_question(held: dict[str, Held]) -> None:
    gaps = {q: float(h.logit.mean() - h.tuned.mean()) for q, h in held.items()}
    print("nats above the logit:", {q: round(gap, 4) for q, gap in gaps.items()})

    assert max(gaps.values()) <= MOST_NATS, gaps


def test_log_loss_is_below_the_marginals_pooled_and_where_the_logit_is(held: dict[str, Held]) -> None:
    high, per_question = _pooled(held)
    print("pooled tuned minus marginal, upper end:", round(high, 4), per_question)

    assert high < 0
    for question, (tuned_high, logit_high) in per_question.items():
        assert tuned_high < 0 or logit_high >= 0, question


def test_accuracy_is_within_three_points_of_the_logits(held: dict[str, Held]) -> None:
    for question, h in held.items():
        if 100 * (h.logit_right.mean() - h.majority_right.mean()) > ENOUGH_POINTS:
            gap = 100 * (h.logit_right.mean() - h.tuned_right.mean())
            print(question, "points below the logit:", round(gap, 2))
            assert gap <= MOST_POINTS, question


def test_permuted_labels_are_not_below_the_marginal(went: tuple[Path, str], held: dict[str, Held]) -> None:
    work, _ = went
    lines = (work / "training" / "training.jsonl").read_bytes().splitlines()
    examples = list(read_training_file(lines).examples)
    by_question: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        by_question.setdefault(str(example.messages[-1]["content"]).rpartition("Question:")[2], []).append(i)
    rng = random.Random(1)
    for places in by_question.values():
        targets = [examples[i].target for i in places]
        rng.shuffle(targets)
        for i, target in zip(places, targets, strict=True):
            examples[i] = Example(examples[i].messages, target)
    model = train(examples, [], settings=hyperparameters(len(examples), {}), seed=7).checkpoints[-1].model
    prompts = _test_prompts(work)
    permuted = {}
    for question, h in held.items():
        chances = [model.chances(messages) for messages in prompts[question]]
        codes = load_codebook(Store(work / "runs"), "tuned").questions[question].codes
        scores = [np.log((c or {}).get(str(codes[y]), 1e-12)) for c, y in zip(chances, h.truth, strict=True)]
        permuted[question] = h._replace(tuned=np.array(scores))

    high, _ = _pooled(permuted)
    print("permuted minus marginal, upper end:", round(high, 4))

    assert high >= 0


def test_no_test_respondent_is_in_a_training_line_at_the_emulator(went: tuple[Path, str]) -> None:
    work, _ = went
    manifest = json.loads((work / "training" / "manifest.json").read_text())
    tasks = pq.read_table(work / "runs" / "tuned" / "tasks.parquet", columns=["respondent_id", "split"])
    test = set(tasks["respondent_id"].to_pylist())

    assert test
    assert not test & (set(manifest["training_ids"]) | set(manifest["validation_ids"]))


def _test_prompts(work: Path) -> dict[str, list[Any]]:
    """Messages of the tuned arm, question by question, in the order of the predictions with a truth."""
    folder = work / "runs" / "tuned"
    turns = {
        r["request_id"]: r["turns"]
        for r in pq.read_table(folder / "plan.parquet", columns=["request_id", "turns"]).to_pylist()
    }
    rows = pq.read_table(
        folder / "predictions.parquet", columns=["arm", "question_id", "truth", "request_id"]
    ).to_pylist()
    found: dict[str, list[Any]] = {}
    for row in rows:
        if row["arm"] == "tuned" and row["truth"] is not None:
            found.setdefault(row["question_id"], []).append(json.loads(turns[row["request_id"]])[0])
    return found


def _pooled(held: dict[str, Held]) -> tuple[float, dict[str, tuple[float, float]]]:
    """Upper 95 % ends of loss minus the marginal's: pooled, and by question for tuned and logit; people resampled."""
    n_people = 1 + max(int(h.who.max()) for h in held.values())
    rng = np.random.default_rng(5)
    present = np.unique(np.concatenate([h.who for h in held.values()]))
    counts = np.zeros((DRAWS, n_people))
    for draw in range(DRAWS):
        np.add.at(counts[draw], rng.choice(present, present.size), 1)
    top, mass, ends = np.zeros(DRAWS), np.zeros(DRAWS), {}
    for question, h in held.items():
        weights = counts[:, h.who]
        top += weights @ (h.marginal - h.tuned)
        mass += weights.sum(axis=1)
        n = weights.sum(axis=1)
        ends[question] = (
            float(np.percentile(weights @ (h.marginal - h.tuned) / n, 97.5)),
            float(np.percentile(weights @ (h.marginal - h.logit) / n, 97.5)),
        )
    return float(np.percentile(top / mass, 97.5)), ends
