"""Pew's NPORS 2024 file, read as a user reads it. No row of it is kept here."""

from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from schemas.study import Study
from survey.drafting.inspect import inspect_survey
from survey.drafting.study_draft import study_draft
from survey.files import read_survey
from survey.prepare import prepare
from tests.support.survey_files import NPORS_FIELDS, npors_study

SOURCE = {"file": "npors.sav", "respondent_id": "RESPID", "weight": "WEIGHT"}


@pytest.fixture(scope="module")
def data(npors_sav):
    return read_survey(npors_sav)


@pytest.fixture(scope="module")
def prepared(data):
    return prepare(npors_study(), data)


def test_all_respondents_and_fields_are_there(prepared):
    assert len(prepared.respondents) == 5626
    assert list(prepared.respondents.columns)[5:] == NPORS_FIELDS
    assert prepared.respondents["weight"].mean() == pytest.approx(1, abs=1e-6)


def test_filter_leaves_out_people_who_refused_education_or_income(data):
    source = SOURCE | {"filter": "EDUCATION >= 5 and INC_SDT1 >= 4"}

    assert len(prepare(npors_study(survey=source), data).respondents) == 2409
    assert int(((data.frame["EDUCATION"] >= 5) & (data.frame["INC_SDT1"] >= 4)).sum()) == 2584


def test_metro_1_is_metropolitan(prepared):
    assert prepared.codebook.fields["METRO"].labels == {1: "Metropolitan", 2: "Non-metropolitan"}


def test_99_is_never_an_answer(prepared):
    assert all(99 not in question.codes for question in prepared.codebook.questions.values())
    assert not any((answers.codes == 99).any() for answers in prepared.answers.values())
    assert not (prepared.respondents[NPORS_FIELDS] == 99).any(axis=None)


def test_age_98_is_kept_and_99_missing(data, prepared):
    raw, age = data.frame["AGE"], prepared.respondents["AGE"]

    assert (raw == 98).sum() > 0
    assert (age[raw == 98] == 98).all()
    assert (age.isna() == (raw == 99)).all()


def test_no_box_ticked_reads_as_hispanic_or_as_nothing(data, prepared):
    boxes = data.frame[[f"RACEMOD_{n}" for n in range(1, 7)]].sum(axis=1)
    labels = prepared.codebook.fields["RACE"].labels
    race = prepared.respondents["RACE"].map(labels)

    assert int((boxes == 0).sum()) == 137
    assert set(race[boxes == 0].dropna()) == {"Hispanic"}
    assert (race[boxes == 0].isna() == (data.frame["HISP"][boxes == 0] != 1)).all()
    assert not any("not" in label.lower().split() for label in labels.values())


def test_refused_hispanic_origin_leaves_race_alone(data, prepared):
    labels = prepared.codebook.fields["RACE"].labels
    race = prepared.respondents["RACE"].map(labels)[data.frame["HISP"] == 99]

    assert not race.dropna().str.startswith("Hispanic").any()


def test_guns_question_is_scored_in_the_order_of_the_study(prepared):
    guns = prepared.codebook.questions["MOREGUNIMPACT"]

    assert (guns.codes, guns.shown, guns.scale_order) == ([1, 2, 3], [1, 2, 3], [1, 3, 2])
    assert guns.text == "If more Americans owned guns, do you think there would be ..."


def test_question_not_asked_is_told_from_refused(data):
    prepared = prepare(npors_study(questions={"INTFREQ": {}}), data)
    counts = pd.Series(prepared.answers["INTFREQ"].status).value_counts()

    assert (counts["not_asked"], counts["refused"]) == (202, 46)


def test_party_summary_9_is_no_answer(data):
    prepared = prepare(npors_study(questions={"PARTYSUM": {}}), data)

    assert prepared.codebook.questions["PARTYSUM"].codes == [1, 2]


def test_inspection_finds_id_weights_and_race_boxes(data):
    inspection = inspect_survey(data)

    assert inspection.id_candidates == ("RESPID",)
    assert inspection.weight_candidates == ("WEIGHT", "BASEWT")
    (race,) = inspection.multiple_response
    assert (len(race.boxes), race.refused) == (6, "RACEMOD_99")


def test_draft_fits_the_file(data):
    study = Study.model_validate(YAML(typ="safe").load(study_draft(inspect_survey(data))))

    assert len(prepare(study, data).respondents) == 5626


def test_shipped_study_fits_the_file(data):
    text = (Path(__file__).parents[3] / "examples" / "npors2024" / "study.yaml").read_text(encoding="utf-8")
    prepared = prepare(Study.model_validate(YAML(typ="safe").load(text)), data)

    assert len(prepared.respondents) == 5626
    assert {note.level for note in prepared.notes} <= {"note"}
