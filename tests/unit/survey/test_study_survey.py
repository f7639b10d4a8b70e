"""The columns a study needs, and several files of one study as one table."""

import pytest

from schemas.errors import SurveyFileError
from survey.prepare import prepare
from survey.study_survey import mentioned, read_study_survey, whole_survey
from tests.support.survey_files import make_study, write_csv, write_trap_sav

WAVES = {
    "w1.csv": "ID,MOOD,AGE\n1,1,30\n2,2,40\n3,1,50\n",
    "w2.csv": "MOOD,ID,NEWS\n2,3,1\n1,1,2\n2,4,1\n",
}


def waves(tmp_path, **files):
    for name, text in {**WAVES, **{f"{key}.csv": value for key, value in files.items()}}.items():
        write_csv(tmp_path / name, text)
    answers = {"answers": {1: "Well", 2: "Badly"}, "text": "How?"}
    return make_study(
        survey={"files": ["w1.csv", "w2.csv"], "respondent_id": "ID"},
        missing={},
        persona={"fields": ["AGE"]},
        questions={"MOOD": answers, "MOOD_w2": answers},
    )


def test_waves_are_joined_by_id_and_later_names_get_their_wave(tmp_path):
    data = read_study_survey(waves(tmp_path), tmp_path)

    assert data.frame["ID"].tolist() == ["1", "2", "3", "4"]
    assert data.frame["MOOD_w2"].astype("Float64").fillna(0).tolist() == [1, 0, 2, 2]
    assert list(data.variables) == ["ID", "MOOD", "AGE", "MOOD_w2", "NEWS"]
    assert "NEWS" not in data.frame
    assert any("w2.csv lacks 1 of 4" in warning for warning in data.warnings)


def test_respondent_of_one_wave_was_not_asked_in_the_other(tmp_path):
    study = waves(tmp_path)

    prepared = prepare(study, read_study_survey(study, tmp_path))

    assert prepared.answers["MOOD_w2"].status.tolist() == ["answered", "not_asked", "answered", "answered"]
    assert prepared.answers["MOOD"].status.tolist()[3] == "not_asked"


def test_whole_survey_of_waves_is_read_from_their_folder(tmp_path):
    study = waves(tmp_path)

    whole = whole_survey(study.survey, tmp_path)

    assert whole.sha256 == read_study_survey(study, tmp_path).sha256
    assert "NEWS" in whole.frame


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("ID,NEWS\n1,1\n1,2\n", "1 rows of w2.csv have the id of an earlier row", id="repeated"),
        pytest.param("ID,NEWS\n,1\n2,2\n", "1 rows of w2.csv have no respondent id", id="without"),
        pytest.param("IDD,NEWS\n1,1\n", "w2.csv has no variable ID", id="other-name"),
        pytest.param("ID,MOOD,MOOD_w2\n1,1,1\n", "MOOD_w2 is taken as well", id="taken"),
    ],
)
def test_waves_that_cannot_be_joined_are_refused(tmp_path, text, says):
    with pytest.raises(SurveyFileError, match=says):
        read_study_survey(waves(tmp_path, w2=text), tmp_path)


def test_every_variable_of_a_study_is_mentioned(tmp_path):
    study = make_study(
        survey={"file": "traps.sav", "respondent_id": "ID", "filter": "HISP == 1 and not missing(`INCOME`)"},
        persona={"fields": ["RACE"], "derive": {"RACE": {"selected": ["RACE_1"], "prefix": {"from": "PARTY", 1: "x"}}}},
        questions={"ECON": {}},
        evaluate={"subgroups": ["REGION"]},
    )

    assert {"ID", "HISP", "INCOME", "RACE_1", "PARTY", "ECON", "REGION"} <= mentioned(study)


def test_prepared_from_needed_columns_equals_prepared_from_all(tmp_path):
    write_trap_sav(tmp_path / "traps.sav")
    study = make_study(missing={"default": {"refused": [99]}, "AGE": {"refused": [99], "keep": [98]}})

    needed, whole = (
        prepare(study, data)
        for data in (read_study_survey(study, tmp_path), whole_survey(study.survey, tmp_path / "traps.sav"))
    )

    assert needed.respondents.equals(whole.respondents)
    assert needed.codebook == whole.codebook
