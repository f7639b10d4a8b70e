import numpy as np
import pytest

from evaluation.job import evaluate_run
from evaluation.measures.calibration import at_temperature, fit_temperature, isotonic
from schemas.errors import UserInputError
from tests.support.runs_folder import ArmRows, RunFolder, variable

N = 1500
RNG = np.random.default_rng(8)
LOGITS = RNG.normal(0, 1, (N, 3))
TRUE_P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
TRUTH = np.array([RNG.choice(3, p=p) for p in TRUE_P])
TOO_SURE = at_temperature(TRUE_P, 0.4)
SPLIT = np.where(np.arange(N) % 3 == 0, "validation", np.where(np.arange(N) % 3 == 1, "test", "train"))


def test_temperature_finds_how_much_too_sure_the_probabilities_were():
    assert fit_temperature(TOO_SURE, TRUTH) == pytest.approx(2.5, rel=0.15)
    assert fit_temperature(TRUE_P, TRUTH) == pytest.approx(1, rel=0.15)


def test_temperature_of_one_changes_nothing():
    assert at_temperature(TRUE_P, 1) == pytest.approx(TRUE_P)


def test_isotonic_maps_sum_to_one_and_never_to_zero():
    mapped = isotonic(TOO_SURE[:500], TRUTH[:500], TOO_SURE[500:])

    assert mapped.sum(axis=1) == pytest.approx(1)
    assert mapped.min() > 0


def folder(**more):
    probabilities = [dict(zip((1, 2, 3), map(float, p), strict=True)) for p in TOO_SURE]
    rows = ArmRows(TOO_SURE.argmax(axis=1) + 1, probabilities=probabilities)
    return RunFolder(
        questions=[variable("Q", [1, 2, 3])],
        truth={"Q": TRUTH + 1},
        arms={"a": {"Q": rows}},
        fields={"F": RNG.integers(1, 4, N).tolist()},
        split=SPLIT,
        **more,
    )


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    store = folder().write(tmp_path_factory.mktemp("store"))
    return evaluate_run(store, "run-1", splits=["test"]).rows


def value(rows, arm, metric, form=None):
    (found,) = [
        r
        for r in rows
        if (r.arm, r.metric, r.form, r.weighted, r.question_id, r.level, r.arm_b)
        == (arm, metric, form, True, "Q", None, None)
    ]
    return found


def test_calibrated_arms_lose_less_on_people_they_were_not_fitted_on(rows):
    raw, cooled, rising = (value(rows, arm, "log_loss").value for arm in ("a", "a+temperature", "a+isotonic"))

    assert cooled < raw - 0.1
    assert rising < raw - 0.1
    assert value(rows, "a+temperature", "ece").value < value(rows, "a", "ece").value / 2
    assert value(rows, "a+temperature", "accuracy", "strict").n == (SPLIT == "test").sum()


def test_sampled_answers_give_up_accuracy_for_the_right_shares(rows):
    assert value(rows, "a+sampled", "accuracy", "strict").value < value(rows, "a", "accuracy", "strict").value
    assert value(rows, "a+sampled", "tv").value < 0.06
    assert value(rows, "a+sampled", "log_loss").value is None


def test_too_few_validation_answers_are_said_and_nothing_is_made(tmp_path):
    few = folder()
    few.split = np.where(np.arange(N) < 20, "validation", "test")

    found = evaluate_run(few.write(tmp_path), "run-1")

    assert any("too few to calibrate" in note for note in found.notes)
    assert not any("+" in r.arm for r in found.rows)


def test_arm_tuned_on_some_respondents_is_marked_and_scored_on_the_others(tmp_path):
    made = folder()
    seen = [one for one, split in zip(made.respondent_ids, SPLIT, strict=True) if split == "train"]

    found = evaluate_run(made.write(tmp_path), "run-1", tuned_on={"a": seen})

    flags = {
        r.split: r.flags
        for r in found.rows
        if (r.arm, r.metric, r.question_id, r.form, r.weighted) == ("a", "accuracy", "Q", "strict", True)
    }
    assert {"IN_SAMPLE", "MIXED"} <= set(flags["all"])
    assert not {"IN_SAMPLE", "MIXED"} & set(flags["held_out"])
    beside = [r for r in found.rows if (r.arm_b, r.metric) == ("baseline:logit:a", "difference")]
    assert {r.n for r in beside if r.question_id == "Q"} == {N - len(seen)}


def test_tuning_list_of_an_unknown_arm_is_refused(tmp_path):
    with pytest.raises(UserInputError, match="no arm b"):
        evaluate_run(folder().write(tmp_path), "run-1", tuned_on={"b": []})
