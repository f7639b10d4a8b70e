"""Averaging over orders takes a planted first-option bias away: NPORS 2024, five questions, all respondents.

Planned, read and averaged as in a run; the emulator's own rule answers in this process instead of over HTTP, with and
without a lean of ten points to the option shown first, so that both differ in nothing else.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from emulator.answering.answers import Speaker, make_answer, read_prompt
from emulator.answering.manner import Manner
from emulator.wire.parameters import read_order
from evaluation.measures.positions import position_rows
from producer.prompting.turns import Turns
from schemas import run_paths
from tests.support.cli_runs import land, open_run
from workers.predictions.compaction import compact

pytestmark = [pytest.mark.accept, pytest.mark.timeout(1200)]
REPO = Path(__file__).resolve().parents[2]
BIAS = 0.10
ARMS = """arms:
  shown: {model: mini, strategy: basic, parameters: {temperature: 1}}
  averaged: {model: mini, strategy: basic, parameters: {temperature: 1}, permutations: rotate}
"""


def npors_study(folder, npors_sav):
    """The shipped study with two arms of its own."""
    shutil.copytree(REPO / "examples" / "npors2024", folder)
    study = (folder / "study.yaml").read_text("utf-8")
    study = study[: study.index("\narms:")] + "\n" + ARMS
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    (folder / "NPORS_2024_for_public_release.sav").symlink_to(npors_sav)
    return folder / "study.yaml"


def answered(bias):
    """Answers of the emulator's rule with a lean to the first option."""
    manner = Manner(first_option_bias=bias)

    def answer(row):
        turns, texts = Turns.from_json(row["turns"]), []
        for turn in range(turns.n):
            body = json.loads(row["parameters"]) | {"messages": turns.messages(texts)}
            order = read_order(body, "chat", "gpt-4.1-mini")
            speaker = Speaker("gpt-4.1-mini", 0, f"{row['request_id']}.{turn}", manner)
            said = make_answer(order, read_prompt(order), speaker, prompt_tokens=1, cached_tokens=0, fault=None)
            texts.append(said.choices[0].content)
        return {"turns": texts}

    return answer


def first_shares(store):
    """(question, arm) -> share of the option listed first in the codebook."""
    columns = ["question_id", "arm", "answer", "probabilities", "averaged"]
    sums = {}
    for row in pq.read_table(store.path(run_paths.predictions("r")), columns=columns).to_pylist():
        given = dict(row["probabilities"]) if row["probabilities"] is not None else {row["answer"]: 1.0}
        total = sums.setdefault((row["question_id"], row["arm"]), [0.0, 0])
        total[0] += given.get(1, 0.0)
        total[1] += 1
    return {key: share / n for key, (share, n) in sums.items()}


@pytest.fixture(scope="module")
def runs(npors_sav, tmp_path_factory):
    """Bias -> store of a compacted run."""
    root = tmp_path_factory.mktemp("orders")
    study = npors_study(root / "npors", npors_sav)
    found = {}
    for bias in (0.0, BIAS):
        store = open_run(study, root / f"store{bias}")
        land(store, "r", answered(bias))
        compact(store, "r")
        found[bias] = store
    return found


def test_planted_bias_of_ten_points_is_under_one_after_averaging(runs):
    plain, leaning = first_shares(runs[0.0]), first_shares(runs[BIAS])
    questions = sorted({question for question, _ in plain})

    planted = {q: 100 * (leaning[q, "shown"] - plain[q, "shown"]) for q in questions}
    left = {q: 100 * (leaning[q, "averaged"] - plain[q, "averaged"]) for q in questions}
    print(json.dumps({"planted_points": planted, "left_points": left}))
    assert len(questions) == 5
    assert all(8 < points < 12 for points in planted.values())
    assert all(abs(points) < 1 for points in left.values())
    assert abs(np.mean(list(left.values()))) < 1


def test_bias_report_finds_what_was_planted_and_nothing_where_nothing_was(runs):
    found = {
        bias: [100 * row.value for row in position_rows(store, "r") if row.metric == "first_option_bias"]
        for bias, store in runs.items()
    }

    print(json.dumps(found))
    assert [len(points) for points in found.values()] == [5, 5]
    assert all(abs(points) < 2 for points in found[0.0]), "a question has some 20,000 replies: half a point of noise"
    assert all(8 < points < 12 for points in found[BIAS])
