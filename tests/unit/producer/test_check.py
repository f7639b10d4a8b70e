import pytest

from producer.check import check
from schemas.errors import StudyError
from tests.support.small_study import MODELS, STUDY, write_study


def problems(folder, environ=None, **parts):
    return check(write_study(folder, **parts), None, environ=environ or {}).problems


def swapped(old, new, text=STUDY):
    assert old in text
    return text.replace(old, new)


def test_clean_study_has_no_problem_and_everything_loaded(tmp_path):
    checked = check(write_study(tmp_path), None, environ={})

    checked.raise_if_wrong()
    assert checked.problems == []
    assert list(checked.models) == ["mini"]
    assert len(checked.data.frame) == len(checked.prepared.respondents) == 30


def test_models_that_no_arm_uses_are_left_out(tmp_path):
    other = MODELS.split("mini:")[1].replace("auth: none", "auth: key")

    checked = check(write_study(tmp_path, models=MODELS + "  other:" + other), None, environ={})

    assert list(checked.models) == ["mini"]
    assert checked.problems == []


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "says"),
    [
        pytest.param("[AGE, SEX]", "[AGEE, SEX]", "unknown_variable", 7, "Did you mean `AGE`?", id="field"),
        pytest.param("[SEX, AGE]}", "[SEXX]}", "unknown_variable", 16, "Did you mean `SEX`?", id="match"),
        pytest.param("NEWS: {", "NEWZ: {", "unknown_variable", 12, "NEWS", id="question"),
        pytest.param("weight: W", "weight: V", "unknown_variable", 2, "V", id="weight"),
        pytest.param("[AGE, SEX]", "[AGE, AGE, SEX]", "duplicate_field", 7, "twice", id="field-twice"),
        pytest.param(
            "model: mini, strategy: basic", "model: mimi, strategy: basic", "unknown_model", 14, "`mini`", id="model"
        ),
        pytest.param(
            "strategy: basic}",
            "strategy: basic, questions: [MOOT]}",
            "unknown_question",
            14,
            "`MOOD`",
            id="arm-question",
        ),
        pytest.param("basic: {", "human: {", "reserved_arm_name", 14, "human", id="reserved-arm-name"),
        pytest.param("match: [SEX, AGE]", "match: [MOOD]", "match_on_question", 16, "give away", id="match-leaks"),
        pytest.param("scale: ordinal}", "scale: ordinal, order: [1, 2]}", "", 11, "order", id="order"),
        pytest.param("3: Badly}", "3: Refused}", "missing_label_in_answers", 11, "refusal", id="refused-label"),
        pytest.param("file: small.csv", "file: smal.csv", "survey_file", 2, "no such", id="survey-file"),
        pytest.param(
            "template: persona.j2", "template: person.j2", "template_file", 9, "persona.j2", id="template-file"
        ),
    ],
)
def test_wrong_study_is_told_with_its_line(tmp_path, old, new, code, line, says):
    found = [p for p in problems(tmp_path, study=swapped(old, new)) if p.level == "error"]

    told = [p for p in found if p.where.startswith(f"study.yaml:{line} ") and says in str(p)]
    assert told, [str(p) for p in found]
    assert not code or told[0].code == code


def test_unknown_name_is_told_once(tmp_path):
    found = problems(tmp_path, study=swapped("[AGE, SEX]", "[AGEE, SEX]"))

    assert len([p for p in found if "AGEE" in p.what]) == 1


def test_all_problems_come_at_once_errors_first(tmp_path):
    study = swapped("[AGE, SEX]", "[AGEE, SEX]").replace("strategy: few_shot", "strategy: few_shot, questions: [X]")
    study = study.replace("model: mini, strategy: basic", "model: mimi, strategy: basic")
    models = swapped("temperature: 0,", "temperatur: 0,", MODELS).replace("auth: none", "api_key_env: K")

    found = problems(tmp_path, study=study, models=models, template="You are {{ AGEEE }}.")

    codes = [p.code for p in found]
    levels = [p.level for p in found]
    assert {"unknown_variable", "unknown_question", "unknown_model", "unknown_field", "unknown_parameter"} < set(codes)
    assert "key_variable_unset" in codes
    assert levels == sorted(levels, key=["error", "warning", "note"].index)


def test_problems_of_both_files_come_together_when_the_study_cannot_be_read(tmp_path):
    path = write_study(tmp_path, study=swapped("survey:", "surwey:"), models=swapped("rpm", "rpn", MODELS))

    with pytest.raises(StudyError) as caught:
        check(path, None, environ={})

    told = "\n".join(map(str, caught.value.problems))
    assert "study.yaml:2 (surwey)" in told
    assert "models.yaml:8" in told


def test_errors_stop_and_carry_every_one(tmp_path):
    checked = check(write_study(tmp_path, study=swapped("[AGE, SEX]", "[A1, B2]")), None, environ={})

    with pytest.raises(StudyError) as caught:
        checked.raise_if_wrong()

    assert len(caught.value.problems) >= 2


def test_warnings_and_notes_do_not_stop(tmp_path):
    checked = check(write_study(tmp_path, study=swapped("[AGE, SEX]", "[AGE, SEX, NEWS]")), None, environ={})

    checked.raise_if_wrong()
    assert "question_in_persona" in [p.code for p in checked.problems]


def test_models_file_is_missed_by_name(tmp_path):
    (tmp_path / "model.yaml").write_text(MODELS)

    found = problems(tmp_path, models=None)

    assert any("model.yaml" in p.hint for p in found if p.level == "error")


def test_named_models_file_comes_before_the_one_beside_the_study(tmp_path):
    named = tmp_path / "elsewhere.yaml"
    named.write_text(MODELS.replace("gpt-4.1-mini", "gpt-4.1-nano"))

    checked = check(write_study(tmp_path), named, environ={})

    assert checked.models["mini"].model == "gpt-4.1-nano"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda row: row | {"ID": 7}, "earlier row", id="duplicate-ids"),
        pytest.param(
            lambda row: row | {"ID": "" if row["AGE"] == 25 else row["ID"]}, "no respondent id", id="blank-id"
        ),
        pytest.param(lambda row: row | {"W": -1}, "negative weight", id="negative-weights"),
    ],
)
def test_wrong_survey_is_told_before_any_call(tmp_path, change, says):
    found = [p for p in problems(tmp_path, change=change) if p.level == "error"]

    assert found
    assert all(p.where.startswith("study.yaml:2 (survey.") for p in found)
    assert says in found[0].what
