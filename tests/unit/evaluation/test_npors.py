"""NPORS 2024 under the shipped study: what a constant arm and the demographic logit look like on real answers."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.job import evaluate_run
from producer.load import load_study
from survey.files import read_survey
from survey.prepare import prepare
from tests.support.runs_folder import NO_ANSWER, ArmRows, RunFolder

ROOT = Path(__file__).resolve().parents[3]
QUESTIONS = ["ECON1MOD", "UNITY", "GPT1", "MOREGUNIMPACT", "GAMBLERESTR"]


@pytest.fixture(scope="module")
def folder(npors_sav):
    study = load_study(ROOT / "examples" / "npors2024" / "study.yaml").study
    prepared = prepare(study, read_survey(npors_sav))
    fields = {name: _nullable(prepared.respondents[name]) for name in study.persona.fields}
    truth = {q: np.asarray(a.codes.to_numpy("int64", na_value=NO_ANSWER)) for q, a in prepared.answers.items()}
    return RunFolder(
        questions=list(prepared.codebook.questions.values()),
        truth=truth,
        truth_status={q: a.status for q, a in prepared.answers.items()},
        arms={"constant": {q: ArmRows(np.full(len(t), _mode(t))) for q, t in truth.items()}},
        fields=fields,
        weights=prepared.respondents["weight"].to_numpy(),
        field_variables={name: prepared.codebook.fields[name] for name in fields},
    )


@pytest.fixture(scope="module")
def evaluated(folder, tmp_path_factory):
    return evaluate_run(folder.write(tmp_path_factory.mktemp("store")), "run-1")


def _nullable(column):
    return [None if code is None else int(code) for code in column.astype(object).where(column.notna(), None)]


def _mode(truth):
    return int(np.bincount(truth[truth != NO_ANSWER]).argmax())


def _headline(evaluated, arm):
    wanted = [r for r in evaluated.rows if (r.arm, r.metric, r.form, r.weighted) == (arm, "accuracy", "strict", True)]
    return {row.question_id: row for row in wanted}


def test_refused_answers_are_never_eligible(folder, evaluated):
    n = {row.question_id: row.n for row in _headline(evaluated, "constant").values()}

    assert n["ECON1MOD"] == 5611
    assert all(n[q] == (folder.truth[q] != NO_ANSWER).sum() for q in QUESTIONS)


def test_constant_arm_earns_nothing_and_says_so_first(evaluated):
    for row in evaluated.rows:
        if row.arm == "constant" and row.metric == "skill_over_majority" and row.value is not None:
            assert row.value <= 1e-9
        if row.arm == "constant" and row.metric == "kappa" and row.value is not None:
            assert row.value == pytest.approx(0)
    assert "NOT_BETTER_THAN_LOGIT" in evaluated.lines[1]
    for row in [r for q, r in _headline(evaluated, "constant").items() if q in QUESTIONS]:
        assert "EQUALS_CONSTANT" in row.flags


def test_argmax_of_the_logit_collapses_on_two_questions_of_five(evaluated):
    logit = _headline(evaluated, "baseline:logit")

    collapsed = {q for q in QUESTIONS if "COLLAPSED" in logit[q].flags}

    assert collapsed == {"UNITY", "GAMBLERESTR"}
    (line,) = [line for line in evaluated.verdict if "COLLAPSED on" in line]
    assert "UNITY (the logit too)" in line
    assert "GPT1 (the logit is not)" in line


def test_logit_converges_and_beats_the_majority_where_age_matters(evaluated):
    logit, majority = _headline(evaluated, "baseline:logit"), _headline(evaluated, "baseline:majority")

    assert evaluated.notes == []
    assert logit["GPT1"].value - majority["GPT1"].value > 0.1
