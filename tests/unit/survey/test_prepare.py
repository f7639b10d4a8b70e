"""Preparing a survey for a study: what comes out, and every problem at once."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from schemas.errors import StudyError
from survey.files import read_survey
from survey.prepare import prepare
from survey.split import split_of
from tests.support.survey_files import make_study, trap_frame, write_csv, write_trap_sav

SOURCE = {"file": "traps.sav", "respondent_id": "ID", "weight": "WT"}


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    return read_survey(write_trap_sav(tmp_path_factory.mktemp("prepare") / "traps.sav"))


def _problems(data, **overrides):
    with pytest.raises(StudyError) as error:
        prepare(make_study(**overrides), data)
    return {(p.where, p.code) for p in error.value.problems if p.level == "error"}


def _csv(tmp_path, text, **overrides):
    parts = {
        "survey": {"file": "s.csv", "respondent_id": "id"},
        "persona": {"fields": ["age"]},
        "questions": {"q": {"text": "How?", "answers": {1: "A lot", 2: "A little"}}},
        "missing": {},
    }
    return make_study(**(parts | overrides)), read_survey(write_csv(tmp_path / "s.csv", text))


def test_respondents_have_ids_weights_splits_and_codes(traps):
    respondents = prepare(make_study(), traps).respondents

    assert list(respondents.columns) == ["respondent_id", "weight", "strata", "cluster", "split", "AGE", "REGION"]
    assert respondents["respondent_id"].tolist()[0] == "100"
    assert respondents["weight"].tolist()[:2] == [0.5, 1.5]
    assert respondents["split"].tolist() == [split_of(42, str(n), 0.2, 0.1) for n in range(100, 110)]
    assert str(respondents["AGE"].dtype) == "Int32"


def test_age_keeps_98_and_loses_99(traps):
    prepared = prepare(make_study(), traps)
    age = prepared.codebook.fields["AGE"]

    assert prepared.respondents["AGE"].tolist()[3] == 98
    assert prepared.respondents["AGE"].isna().tolist() == [n == 4 for n in range(10)]
    assert (age.kind, age.labels, age.missing) == ("numeric", {98: "98+"}, {"refused": [99]})


def test_question_has_codes_in_file_order_and_three_kinds_of_missing(traps):
    questions = {"ECON": {"scale": "ordinal", "order": [3, 2, 1], "show": [2, 1, 3], "cut": 2}, "ROUTED": {}}
    prepared = prepare(make_study(questions=questions), traps)
    econ, routed = prepared.codebook.questions["ECON"], prepared.codebook.questions["ROUTED"]

    assert (econ.codes, econ.scale_order, econ.shown, econ.cut) == ([1, 2, 3], [3, 2, 1], [2, 1, 3], 2)
    assert econ.text == "How is the economy?"
    assert econ.missing_labels == {99: "Don't know/Refused/Web blank"}
    assert routed.missing == {"refused": [98], "dont_know": [-7], "not_asked": [-5]}
    assert prepared.answers["ROUTED"].status.tolist()[:4] == ["answered", "not_asked", "not_asked", "dont_know"]
    assert prepared.answers["ROUTED"].status.tolist()[7] == "refused"


def test_codes_are_null_unless_answered(traps):
    answers = prepare(make_study(), traps).answers["ECON"]

    assert (pd.isna(answers.codes) == (answers.status != "answered")).all()
    assert str(answers.codes.dtype) == "Int32"


def test_duplicate_labels_stay_two_codes(traps):
    twice = prepare(make_study(questions={"TWICE": {}}), traps).codebook.questions["TWICE"]

    assert twice.labels == {1: "Other", 2: "Red", 3: "Other"}


def test_filter_keeps_rows_in_file_order_and_splits_as_before(traps):
    everyone = prepare(make_study(), traps).respondents.set_index("respondent_id")["split"]
    filtered = prepare(make_study(survey=SOURCE | {"filter": "AGE >= 41"}), traps).respondents

    assert filtered["respondent_id"].tolist() == ["101", "102", "103", "105", "106", "108"]
    assert list(filtered.index) == list(range(6))
    assert filtered["split"].tolist() == everyone[filtered["respondent_id"]].tolist()


def test_split_is_the_same_when_rows_are_added_or_reordered(tmp_path, traps):
    frame = trap_frame().iloc[::-1]
    text = frame[["ID", "ECON", "AGE"]].to_csv(index=False).replace("ID,", "id,", 1) + "999,1,50\n"
    questions = {"ECON": {"text": "?", "answers": {1: "Good", 2: "Fair", 3: "Poor"}}}
    missing = {"ECON": {"refused": [99]}}
    study, data = _csv(tmp_path, text, persona={"fields": ["AGE"]}, questions=questions, missing=missing)

    before = prepare(make_study(), traps).respondents.set_index("respondent_id")["split"]
    after = prepare(study, data).respondents.set_index("respondent_id")["split"]

    assert after[before.index].tolist() == before.tolist()


def test_fraction_and_text_fields_get_codes_in_ascending_order(traps):
    prepared = prepare(make_study(persona={"fields": ["INCOME", "STATE", "STARTED"]}), traps)

    assert prepared.codebook.fields["STATE"].labels == {1: "CA", 2: "NY", 3: "TX"}
    assert prepared.respondents["STATE"].tolist()[:2] == [3, 1]
    assert prepared.codebook.fields["INCOME"].labels[1] == "10.5"
    assert prepared.respondents["INCOME"].isna().sum() == 1


def test_phrases_label_a_plain_number(tmp_path):
    persona = {"fields": ["sex"], "phrases": {"sex": {1: "man", 2: "woman"}}}
    study, data = _csv(tmp_path, "id,sex,q\n1,1,1\n2,2,2\n", persona=persona)

    sex = prepare(study, data).codebook.fields["sex"]

    assert (sex.kind, sex.labels) == ("single", {1: "man", 2: "woman"})


def test_match_variables_come_after_the_persona(traps):
    arms = {"few": {"model": "m", "strategy": "few_shot", "match": ["PARTY", "AGE"]}}
    missing = {"default": {"refused": [99]}, "PARTY": {"refused": [9]}}

    respondents = prepare(make_study(arms=arms, missing=missing), traps).respondents

    assert list(respondents.columns)[5:] == ["AGE", "REGION", "PARTY"]
    assert respondents["PARTY"].isna().sum() == 2


def test_weight_defaults_to_one_and_strata_are_texts(traps):
    source = {"file": "x", "respondent_id": "ID", "strata": "REGION"}
    respondents = prepare(make_study(survey=source), traps).respondents

    assert respondents["weight"].tolist() == [1.0] * 10
    assert respondents["strata"].tolist()[:2] == ["1", "2"]
    assert respondents["cluster"].isna().all()


def test_preparing_twice_gives_the_same(traps):
    one, other = prepare(make_study(), traps), prepare(make_study(), traps)

    pd.testing.assert_frame_equal(one.respondents, other.respondents)
    assert one.codebook == other.codebook


def test_csv_codes_take_their_labels_from_answers(tmp_path):
    study, data = _csv(tmp_path, "id,age,q\n1,30,1\n2,40,2\n3,50,\n")
    prepared = prepare(study, data)

    assert prepared.codebook.questions["q"].labels == {1: "A lot", 2: "A little"}
    assert prepared.answers["q"].status.tolist() == ["answered", "answered", "not_asked"]


def test_csv_texts_become_codes_by_their_label(tmp_path):
    missing = {"q": {"refused": ["Refused"]}}
    study, data = _csv(tmp_path, "id,age,q\n1,30,a little\n2,40,A  lot\n3,50,Refused\n", missing=missing)
    answers = prepare(study, data).answers["q"]

    assert answers.codes.tolist()[:2] == [2, 1]
    assert answers.status.tolist()[2] == "refused"


def test_csv_without_answers_lists_the_values_seen(tmp_path):
    study, data = _csv(tmp_path, "id,age,q\n1,30,Good\n2,40,Bad\n", questions={"q": {"text": "How?"}})
    with pytest.raises(StudyError, match="Values seen: Bad, Good") as error:
        prepare(study, data)

    assert error.value.problems[0].where == "questions.q.answers"


def test_answer_that_reads_like_a_refusal_is_an_error(tmp_path):
    questions = {"q": {"text": "How?", "answers": {1: "A lot", 2: "A little", 99: "Refused"}}}
    text = "id,age,q\n1,30,1\n2,40,99\n"
    for missing, code in (({}, "undeclared_missing"), ({"default": {"refused": [99]}}, "answer_is_missing_code")):
        study, data = _csv(tmp_path, text, questions=questions, missing=missing)
        with pytest.raises(StudyError) as error:
            prepare(study, data)
        assert code in {p.code for p in error.value.problems}


def test_question_without_any_answer_is_an_error(tmp_path):
    study, data = _csv(tmp_path, "id,age,q\n1,30,\n2,40,\n", questions={"q": {"text": "How?"}})
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
    study, data = _csv(tmp_path, text, missing={"default": {"refused": [-9]}}, **parts)
    warned = [p for p in prepare(study, data).notes if p.code == "default_not_applied"]

    assert [(p.level, p.where) for p in warned] == [("warning", "missing.default")]
    assert warned[0].what.startswith("age: -9 of 2 respondents stays a value")
    assert "`refused: [-9]` under missing.age" in warned[0].hint


def test_code_of_the_default_rule_is_silent_where_the_variable_says_what_it_is(tmp_path):
    text = "id,age,q\n1,30,1\n2,-9,2\n"
    for own in ({"refused": [-9]}, {"keep": [-9]}):
        study, data = _csv(tmp_path, text, missing={"default": {"refused": [-9]}, "age": own})
        assert "default_not_applied" not in {p.code for p in prepare(study, data).notes}


def test_text_codes_of_an_spss_file_become_numbers_in_file_order(tmp_path):
    frame = pd.DataFrame({"ID": [1.0, 2.0, 3.0], "Q": ["D", "A", "REF"]})
    labels = {"Q": {"D": "Disagree", "A": "Agree", "REF": "Refused"}}
    pyreadstat.write_sav(frame, str(tmp_path / "t.sav"), column_labels={"Q": "Well?"}, variable_value_labels=labels)
    study = make_study(
        survey={"file": "t.sav", "respondent_id": "ID"},
        missing={"Q": {"refused": ["REF"]}},
        persona={"fields": ["Q"]},
        questions={"Q": {}},
    )

    prepared = prepare(study, read_survey(tmp_path / "t.sav"))

    assert prepared.codebook.questions["Q"].labels == {1: "Disagree", 2: "Agree"}
    assert prepared.codebook.fields["Q"].labels == {1: "Disagree", 2: "Agree"}
    assert prepared.answers["Q"].status.tolist() == ["answered", "answered", "refused"]


def test_free_text_is_counted_and_never_quoted(tmp_path):
    rows = "".join(f"{n},30,secret {n}\n" for n in range(40))
    study, data = _csv(tmp_path, "id,age,q\n" + rows, questions={"q": {"text": "How?"}})
    with pytest.raises(StudyError, match="40 different ones") as error:
        prepare(study, data)

    assert "secret" not in str(error.value)


def test_csv_value_outside_the_answers_is_an_error_with_its_count(tmp_path):
    study, data = _csv(tmp_path, "id,age,q\n1,30,1\n2,40,7\n3,40,7\n")
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
    assert (where, code) in _problems(traps, questions={"ECON": question})


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

    assert ("missing.PARTY", "undeclared_missing") in _problems(traps, questions=questions)
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
    found = _problems(traps, **overrides)

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
        found = _problems(traps, survey=survey, questions={"ECON": question})
        assert ("survey.filter", "rule_order_on_nominal") in found


def test_missing_personas_are_counted_in_one_note(traps):
    (note,) = [p for p in prepare(make_study(), traps).notes if p.code == "field_missing"]

    assert note.what.endswith("missing: AGE 1.")


def test_zero_weights_are_a_warning(tmp_path):
    source = {"file": "s.csv", "respondent_id": "id", "weight": "w"}
    study, data = _csv(tmp_path, "id,age,q,w\n1,30,1,0\n2,40,2,1\n", survey=source)

    assert [p.code for p in prepare(study, data).notes] == ["weight_zero"]


def test_reserved_column_cannot_be_a_field(tmp_path):
    study, data = _csv(tmp_path, "id,weight,q\n1,30,1\n2,40,2\n", persona={"fields": ["weight"]})
    with pytest.raises(StudyError, match="cannot be named weight"):
        prepare(study, data)


def test_text_ids_lose_blanks_and_a_decimal_zero(tmp_path):
    study, data = _csv(tmp_path, "id,age,q\n100.0,30,1\n A7 ,40,2\n")

    assert prepare(study, data).respondents["respondent_id"].tolist() == ["100", "A7"]


def test_parquet_prepares_like_csv(tmp_path):
    text = "id,age,q\n1,30,1\n2,40,2\n3,99,\n"
    study, data = _csv(tmp_path, text)
    pd.DataFrame({"id": [1.0, 2.0, 3.0], "age": [30, 40, 99], "q": [1, 2, np.nan]}).to_parquet(tmp_path / "s.parquet")

    one, other = prepare(study, data), prepare(study, read_survey(tmp_path / "s.parquet"))

    pd.testing.assert_frame_equal(one.respondents, other.respondents)
    assert one.codebook == other.codebook
