"""Preparing a survey that does not fit its study: every problem at once, at its key."""

import pytest

from schemas.errors import StudyError
from survey.files import read_survey
from survey.prepare import prepare
from tests.support.prepared import SOURCE, csv_study, problems_of
from tests.support.survey_files import make_study, write_trap_sav


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    return read_survey(write_trap_sav(tmp_path_factory.mktemp("prepare") / "traps.sav"))


def test_answer_that_reads_like_a_refusal_is_an_error(tmp_path):
    questions = {"q": {"text": "How?", "answers": {1: "A lot", 2: "A little", 99: "Refused"}}}
    text = "id,age,q\n1,30,1\n2,40,99\n"
    for missing, code in (({}, "undeclared_missing"), ({"default": {"refused": [99]}}, "answer_is_missing_code")):
        study, data = csv_study(tmp_path, text, questions=questions, missing=missing)
        with pytest.raises(StudyError) as error:
            prepare(study, data)
        assert code in {p.code for p in error.value.problems}


def test_question_without_any_answer_is_an_error(tmp_path):
    study, data = csv_study(tmp_path, "id,age,q\n1,30,\n2,40,\n", questions={"q": {"text": "How?"}})
    with pytest.raises(StudyError, match="at least two answers"):
        prepare(study, data)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({}, id="plain field"),
        pytest.param({"persona": {"fields": ["B"], "derive": {"B": {"bands": "age", "at": [35]}}}}, id="bands"),
        pytest.param({"persona": {"fields": ["B"], "derive": {"B": {"number": "age"}}}}, id="number told"),
        pytest.param(
            {
                "persona": {"fields": ["q"]},
                "questions": {"age": {"kind": "numeric", "text": "?", "minimum": -9, "maximum": 99}},
            },
            id="numeric question",
        ),
    ],
)
def test_code_of_the_default_rule_that_stays_a_number_is_warned_about(tmp_path, parts):
    text = "id,age,q\n1,30,1\n2,-9,2\n3,-9,1\n"
    study, data = csv_study(tmp_path, text, missing={"default": {"refused": [-9]}}, **parts)
    warned = [p for p in prepare(study, data).notes if p.code == "default_not_applied"]

    assert [(p.level, p.where) for p in warned] == [("warning", "missing.default")]
    assert warned[0].what.startswith("age: -9 of 2 respondents stays a value")
    assert "`refused: [-9]` under missing.age" in warned[0].hint


def test_code_of_the_default_rule_is_silent_where_the_variable_says_what_it_is(tmp_path):
    text = "id,age,q\n1,30,1\n2,-9,2\n"
    for own in ({"refused": [-9]}, {"keep": [-9]}):
        study, data = csv_study(tmp_path, text, missing={"default": {"refused": [-9]}, "age": own})
        assert "default_not_applied" not in {p.code for p in prepare(study, data).notes}


def test_free_text_is_counted_and_never_quoted(tmp_path):
    rows = "".join(f"{n},30,secret {n}\n" for n in range(40))
    study, data = csv_study(tmp_path, "id,age,q\n" + rows, questions={"q": {"text": "How?"}})
    with pytest.raises(StudyError, match="40 different ones") as error:
        prepare(study, data)

    assert "secret" not in str(error.value)


def test_csv_value_outside_the_answers_is_an_error_with_its_count(tmp_path):
    study, data = csv_study(tmp_path, "id,age,q\n1,30,1\n2,40,7\n3,40,7\n")
    with pytest.raises(StudyError, match=r"7 \(2 respondents\)"):
        prepare(study, data)


@pytest.mark.parametrize(
    ("question", "where", "code"),
    [
        ({"scale": "ordinal", "order": [1, 2]}, "questions.ECON.order", "order_not_a_permutation"),
        ({"scale": "ordinal", "order": [1, 2, 3, 99]}, "questions.ECON.order", "order_not_a_permutation"),
        ({"show": [1, 2, 2]}, "questions.ECON.show", "show_not_a_permutation"),
        ({"order": [3, 2, 1]}, "questions.ECON.order", "order_on_nominal"),
        ({"cut": 1}, "questions.ECON.cut", "cut_on_nominal"),
        ({"scale": "ordinal", "cut": 9}, "questions.ECON.cut", "cut_not_a_code"),
        ({"scale": "ordinal", "cut": 3}, "questions.ECON.cut", "cut_at_the_end"),
        ({"answers": {1: "Poor", 2: "Fair", 3: "Good"}}, "questions.ECON.answers", "label_of_another_code"),
        ({"answers": {1: "Good", 2: "Fair"}}, "questions.ECON", "unlabelled_code"),
        ({"answers": {1: "x", 2: "x", 3: "y"}}, "questions.ECON.answers", "answers_repeated"),
    ],
)
def test_question_that_does_not_fit_the_file_is_a_problem_at_its_key(traps, question, where, code):
    assert (where, code) in problems_of(traps, questions={"ECON": question})


def test_swapped_labels_are_told_with_both_codes(traps):
    with pytest.raises(StudyError) as error:
        prepare(make_study(questions={"ECON": {"answers": {1: "poor", 2: "Fair", 3: "Good"}}}), traps)

    assert "1 is 'Good' while 3 is 'Poor'" in error.value.problems[0].what


def test_other_wording_of_a_label_is_a_note(traps):
    question = {"answers": {1: "Rather good", 2: "Fair", 3: "Poor"}}
    prepared = prepare(make_study(questions={"ECON": question}), traps)

    assert [p.code for p in prepared.notes if p.where == "questions.ECON.answers"] == ["label_differs"]
    assert prepared.codebook.questions["ECON"].labels[1] == "Rather good"


def test_undeclared_refusal_is_an_error_and_keep_the_way_out(traps):
    questions = {"PARTY": {"text": "Party?"}}

    assert ("missing.PARTY", "undeclared_missing") in problems_of(traps, questions=questions)
    kept = prepare(make_study(questions=questions, missing={"PARTY": {"keep": [9]}, "AGE": {"refused": [99]}}), traps)
    assert kept.codebook.questions["PARTY"].codes == [1, 2, 9]


@pytest.mark.parametrize(
    ("overrides", "where", "code"),
    [
        ({"questions": {"ECOM": {}}}, "questions.ECOM", "unknown_variable"),
        ({"questions": {"TWICE": {}, "PARTY": {}}}, "questions.PARTY.text", "question_text"),
        ({"persona": {"fields": ["AEG"]}}, "persona.fields", "unknown_variable"),
        ({"persona": {"fields": ["AGE"], "phrases": {"REGION": {1: "x"}}}}, "persona.phrases.REGION", None),
        ({"persona": {"fields": ["REGION"], "phrases": {"REGION": {3: "x"}}}}, "persona.phrases.REGION", None),
        ({"persona": {"fields": ["REGION"], "phrases": {"REGION": {1: "the south"}}}}, "persona.phrases.REGION", None),
        ({"survey": SOURCE | {"respondent_id": "NOBODY"}}, "survey.respondent_id", "unknown_variable"),
        ({"survey": SOURCE | {"respondent_id": "AGE"}}, "survey.respondent_id", "respondent_id_repeated"),
        ({"survey": SOURCE | {"respondent_id": "STATE"}}, "survey.respondent_id", "respondent_id_missing"),
        ({"survey": SOURCE | {"weight": "ROUTED"}}, "survey.weight", "weight_unusable"),
        ({"survey": SOURCE | {"weight": "STATE"}}, "survey.weight", "weight_unusable"),
        ({"survey": SOURCE | {"filter": "AGE = 3"}}, "survey.filter", "rule_syntax"),
        ({"survey": SOURCE | {"filter": "REGION > 1"}}, "survey.filter", "rule_order_on_nominal"),
        ({"survey": SOURCE | {"filter": "AGE > 200"}}, "survey.filter", "filter_empty"),
        ({"missing": {"AGEE": {"refused": [1]}}}, "missing.AGEE", "unknown_variable"),
        ({"arms": {"f": {"model": "m", "strategy": "few_shot", "match": ["X"]}}}, "arms.f.match", "unknown_variable"),
    ],
)
def test_study_that_does_not_fit_the_file_is_a_problem_at_its_key(traps, overrides, where, code):
    found = problems_of(traps, **overrides)

    assert any(place == where and (code is None or name == code) for place, name in found)


def test_every_problem_is_reported_at_once_errors_first(traps):
    survey = SOURCE | {"respondent_id": "AGE", "filter": "NOPE == 1", "weight": "STATE"}
    questions = {"ECOM": {}, "ECON": {"order": [1]}}
    with pytest.raises(StudyError) as error:
        prepare(make_study(survey=survey, questions=questions, persona={"fields": ["AEG", "AGE"]}), traps)

    wheres = [p.where for p in error.value.problems]
    assert {"survey.respondent_id", "survey.filter", "survey.weight", "questions.ECOM"} <= set(wheres)
    assert {"questions.ECON.order", "persona.fields"} <= set(wheres)
    levels = [p.level == "error" for p in error.value.problems]
    assert levels == sorted(levels, reverse=True)


def test_order_in_a_filter_needs_a_scale_that_runs_with_the_codes(traps):
    survey = SOURCE | {"filter": "ECON >= 2"}

    assert len(prepare(make_study(survey=survey), traps).respondents) == 6
    for question in ({}, {"scale": "ordinal", "order": [1, 3, 2]}):
        found = problems_of(traps, survey=survey, questions={"ECON": question})
        assert ("survey.filter", "rule_order_on_nominal") in found


def test_missing_personas_are_counted_in_one_note(traps):
    (note,) = [p for p in prepare(make_study(), traps).notes if p.code == "field_missing"]

    assert note.what.endswith("missing: AGE 1.")


def test_zero_weights_are_a_warning(tmp_path):
    source = {"file": "s.csv", "respondent_id": "id", "weight": "w"}
    study, data = csv_study(tmp_path, "id,age,q,w\n1,30,1,0\n2,40,2,1\n", survey=source)

    assert [p.code for p in prepare(study, data).notes] == ["weight_zero"]


def test_reserved_column_cannot_be_a_field(tmp_path):
    study, data = csv_study(tmp_path, "id,weight,q\n1,30,1\n2,40,2\n", persona={"fields": ["weight"]})
    with pytest.raises(StudyError, match="cannot be named weight"):
        prepare(study, data)
