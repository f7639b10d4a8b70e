"""Preparing a survey for a study: respondents, codes, labels, kinds of missing."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from schemas.errors import StudyError
from survey.files import read_survey
from survey.prepare import prepare
from survey.split import split_of
from tests.support.prepared import SOURCE, csv_study
from tests.support.survey_files import make_study, trap_frame, write_trap_sav


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    return read_survey(write_trap_sav(tmp_path_factory.mktemp("prepare") / "traps.sav"))


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
    study, data = csv_study(tmp_path, text, persona={"fields": ["AGE"]}, questions=questions, missing=missing)

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
    study, data = csv_study(tmp_path, "id,sex,q\n1,1,1\n2,2,2\n", persona=persona)

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
    study, data = csv_study(tmp_path, "id,age,q\n1,30,1\n2,40,2\n3,50,\n")
    prepared = prepare(study, data)

    assert prepared.codebook.questions["q"].labels == {1: "A lot", 2: "A little"}
    assert prepared.answers["q"].status.tolist() == ["answered", "answered", "not_asked"]


def test_csv_texts_become_codes_by_their_label(tmp_path):
    missing = {"q": {"refused": ["Refused"]}}
    study, data = csv_study(tmp_path, "id,age,q\n1,30,a little\n2,40,A  lot\n3,50,Refused\n", missing=missing)
    answers = prepare(study, data).answers["q"]

    assert answers.codes.tolist()[:2] == [2, 1]
    assert answers.status.tolist()[2] == "refused"


def test_csv_without_answers_lists_the_values_seen(tmp_path):
    study, data = csv_study(tmp_path, "id,age,q\n1,30,Good\n2,40,Bad\n", questions={"q": {"text": "How?"}})
    with pytest.raises(StudyError, match="Values seen: Bad, Good") as error:
        prepare(study, data)

    assert error.value.problems[0].where == "questions.q.answers"


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


def test_text_ids_lose_blanks_and_a_decimal_zero(tmp_path):
    study, data = csv_study(tmp_path, "id,age,q\n100.0,30,1\n A7 ,40,2\n")

    assert prepare(study, data).respondents["respondent_id"].tolist() == ["100", "A7"]


def test_parquet_prepares_likecsv_study(tmp_path):
    text = "id,age,q\n1,30,1\n2,40,2\n3,99,\n"
    study, data = csv_study(tmp_path, text)
    pd.DataFrame({"id": [1.0, 2.0, 3.0], "age": [30, 40, 99], "q": [1, 2, np.nan]}).to_parquet(tmp_path / "s.parquet")

    one, other = prepare(study, data), prepare(study, read_survey(tmp_path / "s.parquet"))

    pd.testing.assert_frame_equal(one.respondents, other.respondents)
    assert one.codebook == other.codebook
