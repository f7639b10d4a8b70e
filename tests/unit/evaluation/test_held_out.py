"""Two arms on held-out respondents: without probabilities the distance from people's shares is the second measure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cli.views.promotion import evidence, excuse, figures
from evaluation.inference.held_out import HeldOut, held_out
from evaluation.job import evaluate_run
from finetuning.versions.promotion import judge
from schemas.errors import UserInputError
from tests.support.runs_folder import ArmRows, RunFolder, variable

N = 600
TRUTH = np.repeat([1, 2, 3], [120, 180, 300])
RIGHT = np.arange(N) % 2 == 0
"""Whom both arms answer for as the people themselves do, half of each answer."""
SPREAD = np.where(RIGHT, TRUTH, np.where(TRUTH == 3, np.where(np.arange(N) % 4 == 1, 1, 2), 3))
RARE = np.where(RIGHT, TRUTH, np.where(TRUTH == 1, 2, 1))
"""Wrong as often as SPREAD, but with the rarest answer nearly always."""


def shares(answers: Sequence[int]) -> np.ndarray:
    return np.bincount(answers, minlength=4)[1:] / len(answers)


def variation(answers: Sequence[int]) -> float:
    return float(np.abs(shares(answers) - shares(TRUTH)).sum() / 2)


def compared(folder: Path, ours: ArmRows, theirs: ArmRows) -> HeldOut:
    """Arm `ours` against `theirs`, all respondents held out."""
    run = RunFolder(
        [variable("Q", [1, 2, 3])], {"Q": TRUTH}, {"ours": {"Q": ours}, "theirs": {"Q": theirs}},
        {"F": [1] * N}, split=["test"] * N,
    )  # fmt: skip
    return held_out(evaluate_run(run.write(folder), "run-1", splits=("test",)), "ours", "theirs")


def test_candidate_as_accurate_but_far_from_peoples_shares_is_refused_with_the_figure(tmp_path: Path) -> None:
    seen = compared(tmp_path, ArmRows(RARE), ArmRows(SPREAD))

    strict = judge(evidence(seen), candidate_is_simulated=False)
    loose = judge(evidence(seen), candidate_is_simulated=False, margin_variation=0.4)

    gap = variation(SPREAD) - variation(RARE)
    assert (seen.accuracy.value, seen.new_flags) == (0.0, [])
    assert seen.second.value == pytest.approx(gap)
    assert gap < -0.2
    assert (seen.second.arm, seen.second.rival) == (pytest.approx(-variation(RARE)), pytest.approx(-variation(SPREAD)))
    assert seen.second.low < gap < seen.second.high < 0
    assert (strict.outcome, loose.outcome) == ("inferior", "non_inferior")
    assert f"total variation {gap:+.4f} (95 % {seen.second.low:+.4f} to" in strict.sentence


def test_candidate_nearer_to_peoples_shares_is_promoted_by_both_measures(tmp_path: Path) -> None:
    verdict = judge(evidence(compared(tmp_path, ArmRows(SPREAD), ArmRows(RARE))), candidate_is_simulated=False)

    assert verdict.passes
    assert "accuracy +0.0 points" in verdict.sentence
    assert "total variation +0." in verdict.sentence


def test_probabilities_of_one_arm_stand_for_its_shares(tmp_path: Path) -> None:
    people = dict(zip([1, 2, 3], shares(TRUTH), strict=True))
    always = np.full(N, 3)

    seen = compared(tmp_path, ArmRows(always, probabilities=[people] * N), ArmRows(SPREAD))

    assert seen.second.measure == "total variation"
    assert seen.second.arm == pytest.approx(0.0, abs=1e-9)


def test_likeliest_answer_that_is_always_the_same_is_told_and_excused_by_varied_probabilities(tmp_path: Path) -> None:
    people = dict(zip([1, 2, 3], shares(TRUTH), strict=True))
    narrow = {1: 0.01, 2: 0.01, 3: 0.98}
    always = np.full(N, 3)
    rival = ArmRows(SPREAD)

    varied = compared(tmp_path / "a", ArmRows(always, probabilities=[people] * N), rival)
    collapsed = compared(tmp_path / "b", ArmRows(always, probabilities=[narrow] * N), rival)

    assert varied.new_flags == []
    assert varied.excused == ["Q"]
    assert "COLLAPSED at Q" in excuse(figures(varied))
    assert excuse(figures(compared(tmp_path / "c", rival, rival))) == ""
    assert [*collapsed.excused, *(q for q, _ in collapsed.new_flags)] == ["Q"]


def test_probabilities_of_both_arms_give_log_loss(tmp_path: Path) -> None:
    even = [{1: 1 / 3, 2: 1 / 3, 3: 1 / 3}] * N

    seen = compared(tmp_path, ArmRows(SPREAD, probabilities=even), ArmRows(SPREAD, probabilities=even))

    assert (seen.second.measure, seen.second.arm) == ("log loss", pytest.approx(np.log(1 / 3)))


def test_answers_that_are_no_code_count_in_no_share(tmp_path: Path) -> None:
    silent = np.where(np.arange(N) % 3 == 0, 0, SPREAD)

    seen = compared(tmp_path, ArmRows(silent), ArmRows(SPREAD))

    assert seen.second.arm == pytest.approx(-variation(silent[silent > 0]))


def test_arm_that_says_nothing_is_as_far_from_people_as_can_be(tmp_path: Path) -> None:
    seen = compared(tmp_path, ArmRows(np.zeros(N, dtype=int)), ArmRows(SPREAD))

    assert (seen.second.arm, seen.second.rival) == (-1.0, pytest.approx(-variation(SPREAD)))
    assert judge(evidence(seen), candidate_is_simulated=False).outcome in ("unsound", "inferior")


def test_nobody_to_compare_on_is_inconclusive(tmp_path: Path) -> None:
    run = RunFolder(
        [variable("Q", [1, 2, 3])], {"Q": np.zeros(N, dtype=int)},
        {name: {"Q": ArmRows(SPREAD)} for name in ("ours", "theirs")}, {"F": [1] * N}, split=["test"] * N,
    )  # fmt: skip
    seen = held_out(evaluate_run(run.write(tmp_path), "run-1", splits=("test",)), "ours", "theirs")

    verdict = judge(evidence(seen), candidate_is_simulated=False)

    assert (verdict.outcome, verdict.sentence) == (
        "inconclusive", "inconclusive: accuracy is undefined on 0 held-out respondents.",
    )  # fmt: skip


def test_arms_without_a_question_in_common_are_refused(tmp_path: Path) -> None:
    questions = [variable(name, [1, 2, 3]) for name in ("Q", "P")]
    run = RunFolder(
        questions, {"Q": TRUTH, "P": TRUTH}, {"ours": {"Q": ArmRows(SPREAD)}, "theirs": {"P": ArmRows(SPREAD)}},
        {"F": [1] * N}, split=["test"] * N,
    )  # fmt: skip

    with pytest.raises(UserInputError, match="no question both"):
        held_out(evaluate_run(run.write(tmp_path), "run-1", splits=("test",)), "ours", "theirs")
