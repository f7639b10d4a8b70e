import pytest

from producer.check import check
from tests.support.small_study import STUDY, write_study


def problems(folder, **parts):
    return check(write_study(folder, **parts), None, environ={}).problems


def few_shot_study(split):
    return STUDY.replace("split: {test: 0.2, validation: 0.1, seed: 42}", f"split: {split}")


def test_few_shot_without_training_respondents_is_refused(tmp_path):
    found = problems(tmp_path, study=few_shot_study("{test: 0.9999, validation: 0}"))

    told = [p for p in found if p.code == "no_training_respondents"]
    assert [p.where for p in told] == ["study.yaml:16 (arms.few_shot.strategy)"]
    assert told[0].level == "error"


def test_few_shot_question_that_no_training_respondent_answered_is_refused(tmp_path):
    found = problems(tmp_path, change=lambda row: row | {"MOOD": 99})

    (told,) = [p for p in found if p.code == "no_training_respondents"]
    assert "MOOD" in told.what
    assert told.level == "error"


def test_few_shot_with_fewer_training_answers_than_examples_is_a_warning(tmp_path):
    study = STUDY.replace("examples: 2", "examples: 25")

    found = problems(tmp_path, study=study)

    assert {(p.level, p.code) for p in found} == {("warning", "few_training_respondents")}


def test_arms_without_examples_need_no_training_respondents(tmp_path):
    study = few_shot_study("{test: 0.9999, validation: 0}").split("  few_shot:")[0]

    assert problems(tmp_path, study=study) == []


@pytest.mark.parametrize(
    ("arm", "key"),
    [
        pytest.param("{model: mini, strategy: basic, match: [SEX]}", "match", id="match-without-examples"),
        pytest.param("{model: mini, strategy: basic, suffix: _X}", "suffix", id="suffix-without-import"),
    ],
)
def test_key_without_effect_is_a_warning(tmp_path, arm, key):
    found = problems(tmp_path, study=STUDY + f"  odd: {arm}\n")

    assert [(p.level, p.where) for p in found] == [("warning", f"study.yaml:17 (arms.odd.{key})")]


def test_derived_field_may_be_matched_on(tmp_path):
    study = STUDY.replace("fields: [AGE, SEX]", "fields: [AGE, SEX]\n  derive: {BOX: {selected: [B1]}}")

    found = problems(tmp_path, study=study.replace("match: [SEX, AGE]", "match: [BOX, BOXX]"))

    assert [p.hint for p in found if p.code == "unknown_variable" and "match" in p.where] == ["Did you mean `BOX`?"]
