"""Two arms that differ in their model only."""

from pathlib import Path

import pytest

from producer.check import Checked, check
from producer.twin_arms import arm_name, with_twin_arms
from schemas.errors import UserInputError
from schemas.study import Study
from tests.support.small_study import MODELS, STUDY, write_study

TWO = MODELS + MODELS.replace("models:\n", "").replace("  mini:", "  maxi:").replace("gpt-4.1-mini", "gpt-4.1")


def study_of(folder: Path, text: str = STUDY) -> Study:
    return check(write_study(folder, study=text, models=TWO), environ={}).study


def revised(folder: Path, like: str | None) -> Checked:
    path = write_study(folder, models=TWO)
    return check(path, environ={}, revise=lambda study: with_twin_arms(study, "maxi", "mini", like))


def test_twins_differ_in_nothing_but_their_model(tmp_path: Path) -> None:
    study = with_twin_arms(study_of(tmp_path), "maxi", "mini@v1", "few_shot")

    assert list(study.arms) == ["maxi", "mini-v1"]
    one, other = study.arms.values()
    assert one.model_copy(update={"model": other.model}) == other
    assert (one.strategy, one.examples, one.respondents) == ("few_shot", 2, "test")


def test_without_a_wish_the_first_asking_arm_is_taken(tmp_path: Path) -> None:
    assert with_twin_arms(study_of(tmp_path), "maxi", "mini", None).arms["maxi"].strategy == "basic"


def test_twins_of_a_study_without_batches_are_checked_without_a_word_about_batches(tmp_path: Path) -> None:
    assert [p.what for p in revised(tmp_path, None).problems if "deadline" in p.where] == []


def test_twins_of_an_arm_that_goes_through_batches_are_asked_online(tmp_path: Path) -> None:
    text = STUDY.replace(
        "strategy: basic", "strategy: basic, transport: batch, deadline: '06:30 UTC', retry: online", 1
    )
    study = with_twin_arms(study_of(tmp_path, text), "maxi", "mini", "basic")

    assert {(arm.transport, arm.deadline, arm.retry) for arm in study.arms.values()} == {("online", None, "batch")}


def test_revised_study_is_checked_as_a_whole(tmp_path: Path) -> None:
    checked = revised(tmp_path, "cot")

    checked.raise_if_wrong()
    assert set(checked.models) == {"maxi", "mini"}
    assert {arm.strategy for arm in checked.study.arms.values()} == {"chain_of_thought"}


@pytest.mark.parametrize(
    ("second", "like", "text", "said"),
    [
        ("maxi", None, STUDY, "with itself"),
        ("mini", "nobody", STUDY, "no arm 'nobody'"),
        ("mini", None, STUDY.replace("test: 0.2", "test: 0"), "holds no respondent out"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, second: str, like: str | None, text: str, said: str) -> None:
    with pytest.raises(UserInputError, match=said):
        with_twin_arms(study_of(tmp_path, text), "maxi", second, like)


def test_names_that_become_one_stay_two_arms(tmp_path: Path) -> None:
    assert list(with_twin_arms(study_of(tmp_path), "a.b", "a-b", None).arms) == ["a-b", "a-b-2"]
    assert arm_name("@@") == "model"
