import numpy as np
import pytest

from evaluation.measure import measure
from evaluation.probability import reliability_figures, rps
from evaluation.scale import Scale
from tests.support.cells import cell_of, nominal, ordinal

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]])
TRUTH = np.array([0, 2, 2])
MASS = np.array([1.0, 2.0, 1.0])


def test_rps_by_hand():
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
