import pytest

from producer.check import check
from tests.support.small_study import STUDY, write_study


def problems(folder, **parts):
    return check(write_study(folder, **parts), None, environ={}).problems


def test_template_that_names_no_field_is_told_with_line_and_nearest(tmp_path):
    (problem,) = problems(tmp_path, template="You are {{ AGE }} years old.\nYou are {{ SEXX }}.\n")

    assert problem.where == "persona.j2:2"
    assert problem.hint == "Did you mean SEX?"
    assert problem.level == "error"


@pytest.mark.parametrize("line", ["You are {{ AGE }.", "{% if AGE %}You are old.", "{{ AGE | nosuch }}"])
def test_broken_template_is_told_with_its_line(tmp_path, line):
    (problem,) = problems(tmp_path, template=f"You are {{{{ SEX }}}}.\n\n{line}\n")

    assert problem.where == "persona.j2:3"
    assert problem.level == "error"


def test_template_line_that_cannot_be_filled_is_told_once_without_a_value(tmp_path):
    (problem,) = problems(tmp_path, template="You are {{ SEX }}.\nYou are {{ 5 // (AGE | int - 22) }}.\n")

    assert problem.where == "persona.j2:2"
    assert "22" not in problem.what


def test_template_may_not_reach_out_of_its_sandbox(tmp_path):
    found = problems(tmp_path, template="{{ AGE.__class__.__mro__ }}\n")

    assert [p.where for p in found if p.level == "error"] == ["persona.j2:1"]


def test_field_that_no_line_uses_is_a_warning(tmp_path):
    (problem,) = problems(tmp_path, template="You are {{ AGE }} years old.\n")

    assert (problem.level, problem.code) == ("warning", "field_not_in_template")
    assert "SEX" in problem.what


def test_study_without_template_is_fine(tmp_path):
    assert problems(tmp_path, study=STUDY.replace("  template: persona.j2\n", ""), template=None) == []


def test_question_in_the_persona_is_a_warning(tmp_path):
    study = STUDY.replace("fields: [AGE, SEX]", "fields: [AGE, SEX, MOOD]")

    found = problems(tmp_path, study=study, template="{{ AGE }} {{ SEX }} {{ MOOD }}\n")

    assert [(p.level, p.code) for p in found] == [("warning", "question_in_persona")]


def test_question_inside_a_derived_field_is_a_warning(tmp_path):
    study = STUDY.replace("fields: [AGE, SEX]", "fields: [AGE, SEX, BOX]\n  derive: {BOX: {selected: [NEWS]}}")

    assert "question_in_persona" in [p.code for p in problems(tmp_path, study=study)]


def test_personas_that_coincide_are_counted(tmp_path):
    found = problems(tmp_path, change=lambda row: row | {"AGE": 30 if row["AGE"] < 40 else row["AGE"]})

    (note,) = [p for p in found if p.code == "personas_coincide"]
    assert note.level == "note"
    assert note.what.startswith("20 of 30 respondents")


def test_respondents_without_any_persona_are_counted(tmp_path):
    found = problems(tmp_path, change=lambda row: row | ({"AGE": "", "SEX": ""} if row["AGE"] < 23 else {}))

    (warning,) = [p for p in found if p.code == "persona_empty"]
    assert warning.what.startswith("3 of 30 respondents")


def test_phrase_for_what_is_no_field_is_refused(tmp_path):
    (problem,) = problems(tmp_path, study=STUDY.replace("phrases: {", "phrases: {SEXX: {1: x}, "))

    assert problem.where == "study.yaml:8 (persona.phrases.SEXX)"


def test_derived_field_must_not_hide_a_variable(tmp_path):
    study = STUDY.replace("fields: [AGE, SEX]", "fields: [AGE, SEX]\n  derive: {SEX: {selected: [NEWS]}}")

    assert "name_taken" in [p.code for p in problems(tmp_path, study=study)]
