import numpy as np
import pytest

from evaluation.inference.drift import compare_runs
from schemas.errors import UserInputError
from tests.support.runs_folder import ArmRows, RunFolder, variable

N = 500
RNG = np.random.default_rng(2)
TRUTH = RNG.integers(1, 4, N)
BEFORE = np.where(RNG.random(N) < 0.7, TRUTH, 1)
AFTER = np.where(RNG.random(N) < 0.3, TRUTH, 1)


@pytest.fixture
def runs(tmp_path):
    def write(run_id, answers, arm="a", **more):
        rows = ArmRows(answers, **more)
        folder = RunFolder([variable("Q", [1, 2, 3])], {"Q": TRUTH}, {arm: {"Q": rows}}, {"F": [1] * N}, run_id=run_id)
        return folder.write(tmp_path)

    return write


def test_same_answers_do_not_drift(runs):
    runs("one", BEFORE)

    found = compare_runs(runs("two", BEFORE), "one", "two")

    assert not found.is_over
    assert (found.drifts[0].accuracy, found.drifts[0].agreement, found.drifts[0].share_shift) == (0, 1, 0)


def test_loss_of_accuracy_is_over_the_threshold_and_said(runs):
    runs("one", BEFORE)

    found = compare_runs(runs("two", AFTER), "one", "two", threshold_points=5)

    (one,) = found.drifts
    assert found.is_over
    assert one.accuracy == pytest.approx(np.mean(AFTER == TRUTH) - np.mean(BEFORE == TRUTH))
    assert one.interval.low < one.accuracy < one.interval.high < 0
    assert one.p_holm < 1e-6
    assert "1 of 1 moved by more than 5 points" in found.lines[0]


def test_only_respondents_of_both_runs_count(runs):
    runs("one", BEFORE, rows=range(300))

    found = compare_runs(runs("two", AFTER, rows=range(200, 500)), "one", "two")

    assert found.drifts[0].n == 100
    assert found.drifts[0].accuracy == pytest.approx(
        np.mean((AFTER == TRUTH)[200:300] * 1.0 - (BEFORE == TRUTH)[200:300])
    )


def test_reused_answers_are_named(runs):
    runs("one", BEFORE)

    found = compare_runs(runs("two", BEFORE, transport="reused"), "one", "two")

    assert "500 answers were reused" in found.lines[-1]


def test_runs_without_a_common_arm_are_refused(runs):
    runs("one", BEFORE)

    with pytest.raises(UserInputError, match="in common"):
        compare_runs(runs("two", BEFORE, arm="b"), "one", "two")
