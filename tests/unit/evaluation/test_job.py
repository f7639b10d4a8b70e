"""Figures, flags and first lines of an evaluated run."""

import math
import re

import numpy as np
import pytest

from evaluation.job import evaluate_run
from tests.support.job_folder import N, make_folder
from tests.support.runs_folder import NO_ANSWER, ArmRows, variable


def value(evaluation, arm, question, metric, form=None, *, weighted=True, split="all"):
    (row,) = [
        r
        for r in evaluation.rows
        if (r.arm, r.question_id, r.metric, r.form, r.weighted, r.split, r.level, r.arm_b)
        == (arm, question, metric, form, weighted, split, None, None)
    ]
    return row


def test_accuracy_of_an_imported_arm_is_matches_over_eligible_exactly(evaluated_job):
    folder, _, found = evaluated_job
    truth, answers = np.asarray(folder.truth["Q1"]), np.asarray(folder.arms["earlier"]["Q1"].answers)

    row = value(found, "earlier", "Q1", "accuracy", "strict", weighted=False)

    assert row.value == (truth == answers).sum() / (truth != NO_ANSWER).sum()
    assert row.interval.low < row.value < row.interval.high


def test_coverage_counts_every_task(evaluated_job):
    folder, _, found = evaluated_job
    refused = int((np.asarray(folder.truth["Q2"]) == NO_ANSWER).sum())

    counts = {
        name: value(found, "good", "Q2", name, weighted=False).value
        for name in ("n_total", "n_eligible", "n_human_refused", "n_valid")
    }

    assert counts == {"n_total": N, "n_eligible": N - refused, "n_human_refused": refused, "n_valid": N - refused}
    unparsed = value(found, "earlier", "Q1", "n_unparsed", weighted=False).value
    assert unparsed == (np.asarray(folder.arms["earlier"]["Q1"].answers) == NO_ANSWER).sum()


def test_constant_arm_is_flagged_with_what_the_logit_does(evaluated_job):
    _, _, found = evaluated_job
    flags = value(found, "constant", "Q1", "accuracy", "strict").flags

    assert {"EQUALS_CONSTANT", "COLLAPSED", "NOT_BETTER_THAN_LOGIT"} <= set(flags)
    assert any(re.search(r"constant: EQUALS_CONSTANT on Q1 \(the logit is not\)", line) for line in found.verdict)


def test_good_arm_beats_the_logit_and_earns_no_bad_flag(evaluated_job):
    _, _, found = evaluated_job

    assert set(value(found, "good", "Q1", "accuracy", "strict").flags) <= {"BELOW_FLOOR"}
    assert value(found, "good", "Q1", "skill_over_logit", "strict").value > 0


def test_argmax_of_a_logit_on_noise_shares_the_collapse_of_a_constant_arm(tmp_path):
    rng = np.random.default_rng(2)
    truth = np.where(rng.random(N) < 0.75, 1, 2)
    folder = make_folder(
        questions=[variable("Q", [1, 2])],
        truth={"Q": truth},
        arms={"constant": {"Q": ArmRows(np.ones(N, int))}},
        fields={"F": rng.integers(1, 3, N).tolist()},
        numeric=[],
    )

    found = evaluate_run(folder.write(tmp_path), "run-1")

    assert any("COLLAPSED on Q (the logit too)" in line for line in found.verdict)
    logit = [row for row in found.tables[2].rows if row[1] == "logit"]
    assert "COLLAPSED" in logit[0][-1]


def test_baselines_and_humans_have_rows_of_their_own(evaluated_job):
    _, _, found = evaluated_job

    arms = {row.arm for row in found.rows}

    assert arms == {
        "good", "constant", "earlier", "human",
        "baseline:majority", "baseline:logit", "baseline:gbdt", "baseline:marginal", "baseline:uniform",
    }  # fmt: skip
    human = [row.value for row in found.rows if row.arm == "human" and row.metric == "share" and row.weighted]
    assert sum(human) == pytest.approx(2)  # two questions


def test_macro_is_the_mean_over_the_questions_of_the_arm(evaluated_job):
    _, _, found = evaluated_job
    parts = [value(found, "good", q, "accuracy", "strict").value for q in ("Q1", "Q2")]

    row = value(found, "good", None, "accuracy", "strict")

    assert row.value == pytest.approx(np.mean(parts))
    assert row.n == 2
    assert row.interval.low < row.value < row.interval.high


def test_emulator_and_open_tasks_are_said_in_the_first_line(tmp_path):
    rows = make_folder().arms["good"]["Q1"]
    status = ["pending"] * 20 + ["answered"] * (N - 20)
    folder = make_folder(arms={"good": {"Q1": ArmRows(rows.answers, status=status, fingerprint="fp_emulator_x")}})

    found = evaluate_run(folder.write(tmp_path), "run-1")

    assert found.lines[0].startswith("SIMULATED_SERVICE: ")
    assert "20 tasks pending" in found.lines[0]
    assert value(found, "good", "Q1", "n_pending", weighted=False).value == 20


def test_finished_run_on_a_real_service_has_no_warning(evaluated_job):
    _, _, found = evaluated_job

    assert found.warnings == []


def test_arm_on_part_of_the_respondents_is_compared_on_its_own_ground(tmp_path):
    whole = make_folder()
    part = np.arange(0, N, 2)
    arms = {"part": {"Q1": ArmRows(whole.truth["Q1"], rows=part)}, "all": {"Q1": ArmRows(whole.truth["Q1"])}}

    found = evaluate_run(make_folder(arms=arms).write(tmp_path), "run-1")

    gap = [r for r in found.rows if r.metric == "difference" and r.arm == "part" and not r.weighted]
    truth = np.asarray(whole.truth["Q1"])
    majority = np.bincount(truth).argmax()
    on_part = [r.value for r in gap if r.arm_b == "baseline:majority" and r.question_id == "Q1"]
    assert on_part == [pytest.approx(1 - np.mean(truth[part] == majority))]


def test_splits_are_scored_on_their_own_respondents(tmp_path):
    folder = make_folder()

    found = evaluate_run(folder.write(tmp_path), "run-1", splits=("all", "test", "validation"))

    truth, answers = np.asarray(folder.truth["Q1"]), np.asarray(folder.arms["good"]["Q1"].answers)
    mine = np.asarray(folder.split) == "test"
    row = value(found, "good", "Q1", "accuracy", "strict", weighted=False, split="test")
    assert row.value == pytest.approx(np.mean(truth[mine] == answers[mine]))
    nobody = value(found, "good", "Q1", "accuracy", "strict", split="validation")
    assert nobody.value is None
    assert nobody.reason == "no respondent with an answer"


def test_probabilities_judge_the_distribution_and_answers_the_collapse(tmp_path):
    truth = np.tile([1, 1, 1, 2, 2], N // 5)
    told = [{1: 0.6, 2: 0.4}] * N
    arms = {"sure": {"Q": ArmRows(np.ones(N, int), probabilities=told)}}
    folder = make_folder(questions=[variable("Q", [1, 2])], truth={"Q": truth}, arms=arms, weights=None)

    found = evaluate_run(folder.write(tmp_path), "run-1")

    assert value(found, "sure", "Q", "tv").value == pytest.approx(0)
    assert value(found, "sure", "Q", "argmax_tv").value == pytest.approx(0.4)
    assert value(found, "sure", "Q", "log_loss").value == pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.4))
    assert "COLLAPSED" in value(found, "sure", "Q", "accuracy", "strict").flags


def test_question_that_nobody_answered_is_undefined_and_not_an_error(tmp_path):
    truth = {"Q1": np.zeros(N, int), "Q2": make_folder().truth["Q2"]}

    found = evaluate_run(make_folder(truth=truth).write(tmp_path), "run-1")

    assert value(found, "good", "Q1", "accuracy", "strict").value is None
    assert value(found, "good", None, "accuracy", "strict").n == 1
