from dataclasses import replace

import numpy as np
import pytest

from evaluation.measures.measure import measure
from evaluation.measures.probability import reliability_figures, rps
from evaluation.reading.load import load_run
from evaluation.reading.scale import Scale
from evaluation.reporting.verdict import verdict_lines
from evaluation.rivals.baselines import fit_baselines
from evaluation.scoring import score_split
from tests.support.cells import cell_of, nominal, ordinal
from tests.support.runs_folder import ArmRows, RunFolder, variable

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])
TRUTH = np.array([0, 2, 2])
MASS = np.array([1.0, 2.0, 1.0])


def test_rps_equals_the_sum_done_by_hand():
    by_case = [(0.3**2 + 0.1**2) / 2, (0.1**2 + 0.7**2) / 2, (0.3**2 + 0.6**2) / 2]

    assert rps(P, TRUTH, MASS) == pytest.approx(np.average(by_case, weights=MASS))


def test_rps_follows_the_scoring_order():
    turned = Scale((1, 2, 3), (1, 3, 2), ordinal=True)

    found = measure(cell_of(TRUTH, P.argmax(axis=1), turned, weight=MASS, probabilities=P)).value("rps")

    assert found == pytest.approx(rps(P[:, [0, 2, 1]], np.array([0, 1, 1]), MASS))


def test_rps_of_a_nominal_question_is_undefined():
    assert measure(cell_of(TRUTH, P.argmax(axis=1), nominal(3), probabilities=P)).value("rps") is None


def test_ece_and_its_table_by_hand():
    found = {(f.metric, f.level): f.value for f in reliability_figures(P, TRUTH, MASS)}

    assert found[("ece", None)] == pytest.approx((0.3 + 2 * 0.6 + 0.6) / 4)
    assert found[("reliability_accuracy", "0.6-0.7")] == 0
    assert found[("reliability_share", "0.7-0.8")] == pytest.approx(1 / 4)
    assert found[("reliability_confidence", "0.4-0.5")] == pytest.approx(0.4)


def test_certain_and_right_has_no_calibration_error():
    p = np.eye(3)

    found = measure(cell_of([0, 1, 2], [0, 1, 2], ordinal(3), probabilities=p))

    assert found.value("ece") == 0
    assert found.value("rps") == 0


def test_covered_mass_is_the_weighted_mean_of_what_is_told():
    cell = cell_of(TRUTH, P.argmax(axis=1), nominal(3), weight=MASS, probabilities=P)

    told = measure(replace(cell, covered_mass=np.array([0.5, 1.0, np.nan])))

    assert told.value("covered_mass") == pytest.approx((0.5 + 2.0) / 3)
    assert measure(cell).value("covered_mass") is None


def test_low_covered_mass_is_told_by_arm_and_question(tmp_path):
    rows = [{1: 0.5, 2: 0.3, 3: 0.2}] * 200
    folder = RunFolder(
        questions=[variable("Q", [1, 2, 3])],
        truth={"Q": np.tile([1, 2, 3, 1], 50)},
        arms={"p": {"Q": ArmRows(np.full(200, 1), probabilities=rows)}},
        fields={"F": [1, 2] * 100},
        weights=np.ones(200),
    )
    run = load_run(folder.write(tmp_path), "run-1")
    cells = {key: replace(cell, covered_mass=np.full(200, 0.44)) for key, cell in run.cells.items()}
    told = replace(run, cells=cells)

    scores = score_split(told, fit_baselines(told, progress=len), "all", progress=len)
    lines = verdict_lines(scores, ["p"])

    assert any(line.startswith("p: covered mass on Q (44%): ") for line in lines)
