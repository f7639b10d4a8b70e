"""What check says of fields that give the answer away, of personas that one person has, and of the cut-off."""

import pytest

from producer.check import check
from tests.support.small_study import MODELS, STUDY, write_study

WIDE = STUDY.replace("match: [SEX, AGE]", "match: [SEX]")


def problems(folder, n=300, change=dict, study=WIDE, models=MODELS):
    path = write_study(folder, n=n, change=change, study=study, models=models)
    return {problem.code: problem for problem in check(path, None, environ={}).problems}


def mixed(row):
    """Answers that have nothing to do with the persona."""
    number = row["ID"] - 100
    return row | {
        "AGE": 20 + number % 3,
        "SEX": 1 + number // 3 % 2,
        "MOOD": 1 + number // 6 % 3,
        "NEWS": 1 + number // 18 % 2,
    }


def test_field_that_goes_with_the_answer_is_a_warning(tmp_path):
    found = problems(tmp_path, change=lambda row: mixed(row) | {"NEWS": mixed(row)["SEX"]})

    problem = found["relative_in_persona"]
    assert problem.level == "warning"
    assert "SEX all but answers NEWS" in problem.what
    assert "1.00" in problem.what
    assert problem.where == "study.yaml:7 (persona.fields.1)"


def test_field_that_has_nothing_to_do_with_the_answer_is_fine(tmp_path):
    assert "relative_in_persona" not in problems(tmp_path, change=mixed)


def test_few_answers_tell_no_association(tmp_path):
    assert "relative_in_persona" not in problems(tmp_path, n=60, change=lambda row: mixed(row) | {"NEWS": row["SEX"]})


def test_same_question_of_another_wave_is_a_relative(tmp_path):
    study = WIDE.replace("fields: [AGE, SEX]", "fields: [AGE, SEX, MOOD_w2]").replace("  template: persona.j2\n", "")

    found = problems(tmp_path, study=study, change=lambda row: mixed(row) | {"MOOD_w2": 1 + row["ID"] // 7 % 3})

    assert "another wave" in found["relative_in_persona"].what


def test_personas_of_one_respondent_are_counted_with_the_field_that_tells_them_apart(tmp_path):
    found = problems(tmp_path, change=lambda row: mixed(row) | {"AGE": row["ID"]})

    problem = found["personas_unique"]
    assert problem.level == "warning"
    assert "300 of 300 respondents (100.0%)" in problem.what
    assert "Without AGE they would be 0 instead of 300" in problem.hint


def test_smallest_group_is_noted_where_nobody_is_alone(tmp_path):
    problem = problems(tmp_path, change=mixed)["smallest_persona_group"]

    assert problem.level == "note"
    assert "50 members" in problem.what


@pytest.mark.parametrize(
    ("fielded", "level"),
    [("2024-05-01", "warning"), ("2024-06-01", "warning"), ("2024-06-02", None)],
)
def test_survey_fielded_before_the_cutoff_is_a_warning(tmp_path, fielded, level):
    models = MODELS.replace("    provider: openai\n", "    provider: openai\n    cutoff: 2024-06-01\n")
    study = WIDE.replace("weight: W}", f"weight: W, fielded: {fielded}}}")

    problem = problems(tmp_path, n=30, study=study, models=models).get("fielded_before_cutoff")

    assert (problem.level if problem else None) == level


def test_cutoff_without_a_field_date_is_noted(tmp_path):
    models = MODELS.replace("    provider: openai\n", "    provider: openai\n    cutoff: 2024-06-01\n")

    assert problems(tmp_path, n=30, models=models)["fielded_unknown"].level == "note"
