"""NPORS with imported arms: the second computation agrees, and a constant arm is exposed."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.job import evaluate_run
from evaluation.reading.load import load_run
from evaluation.rivals.baselines import fit_baselines
from producer.load import load_study
from survey.files import read_survey
from survey.prepare import prepare
from tests.contract.evaluation.test_second_computation import disagreements
from tests.support.runs_folder import NO_ANSWER, ArmRows, RunFolder
from tests.support.value_simulation import simulate

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ["AGECAT", "GENDER"]
MONTE_CARLO = 1.96 * (0.95 * 0.05 / 2000) ** 0.5


@pytest.fixture(scope="module")
def store(npors_sav, tmp_path_factory):
    study = load_study(ROOT / "examples" / "npors2024" / "study.yaml").study
    wanted = study.evaluate.model_copy(update={"subgroups": GROUPS})
    prepared = prepare(study.model_copy(update={"evaluate": wanted}), read_survey(npors_sav))
    codes = {n: _codes(prepared.respondents[n]) for n in [*study.persona.fields, *GROUPS]}
    truth = {q: np.asarray(a.codes.to_numpy("int64", na_value=NO_ANSWER)) for q, a in prepared.answers.items()}
    rng = np.random.default_rng(0)
    constant = {
        q: ArmRows(np.full(t.size, np.bincount(t[t > 0]).argmax()), transport="imported") for q, t in truth.items()
    }
    noisy = {q: ArmRows(np.where(rng.random(t.size) < 0.2, t, rng.permutation(t))) for q, t in truth.items()}
    folder = RunFolder(
        questions=list(prepared.codebook.questions.values()),
        truth=truth,
        truth_status={q: a.status for q, a in prepared.answers.items()},
        arms={"constant": constant, "noisy": noisy},
        fields={n: codes[n] for n in study.persona.fields},
        groups={n: codes[n] for n in GROUPS},
        weights=prepared.respondents["weight"].to_numpy(),
        strata=[None if s is None else str(s) for s in prepared.respondents["strata"].astype(object)],
        field_variables={n: prepared.codebook.fields[n] for n in codes},
    )
    return folder.write(tmp_path_factory.mktemp("store"))


def _codes(column):
    return [None if code is None else int(code) for code in column.astype(object).where(column.notna(), None)]


@pytest.fixture(scope="module")
def evaluated(store):
    return evaluate_run(store, "run-1")


def test_second_computation_agrees_on_every_deterministic_figure(store, evaluated):
    bad, n = disagreements(store, "run-1", evaluated.rows)

    assert bad == []
    assert n > 400


def test_constant_arm_is_flagged_and_worth_no_interview(evaluated):
    ess = [r.value for r in evaluated.rows if (r.arm, r.metric) == ("constant", "ess")]
    skills = [r.value for r in evaluated.rows if r.arm == "constant" and r.metric.startswith("skill_over_majority")]

    assert set(ess) == {1.0}
    assert max(skills) <= 1e-9
    assert "NOT_BETTER_THAN_LOGIT" in evaluated.lines[1]
    assert any(line.startswith("constant: EQUALS_CONSTANT") for line in evaluated.lines[:4])


def test_strata_of_the_study_reach_the_intervals(evaluated):
    methods = {
        r.interval.method for r in evaluated.rows if r.metric == "accuracy" and r.interval and r.subgroup is None
    }

    assert len(methods) == 1
    assert "Rao-Wu" in methods.pop()


def test_no_shown_group_is_smaller_than_thirty(evaluated):
    assert min(r.n for r in evaluated.rows if r.subgroup and r.value is not None and r.n is not None) >= 30


@pytest.mark.accept
def test_ppi_intervals_cover_within_monte_carlo_error_on_npors(store):
    run = load_run(store, "run-1")
    baselines = fit_baselines(run, progress=lambda _: None)
    outside = {}
    for question in run.questions:
        cell = baselines.cells[(question, "baseline:logit")]
        for k, level in enumerate(cell.scale.levels):
            y, g = (cell.truth == k) * 1.0, cell.probabilities[:, k]
            found = simulate(y, g, cell.weight, n=500, n_rest=5000, n_draws=2000, seed=1)
            print(question, level, {name: round(value, 4) for name, value in found._asdict().items()})
            if abs(found.coverage - 0.95) > MONTE_CARLO:
                outside[(question, level)] = found.coverage

    assert outside == {}
