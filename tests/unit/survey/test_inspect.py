"""Looking at a file, and the study drafted from it."""

import pandas as pd
import pyreadstat
import pytest
from ruamel.yaml import YAML

from schemas.study import Study
from survey.drafting.inspect import inspect_file, inspect_survey
from survey.drafting.study_draft import study_draft
from survey.files import read_survey
from survey.prepare import prepare
from tests.support.survey_files import write_csv, write_trap_sav


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    return read_survey(write_trap_sav(tmp_path_factory.mktemp("inspect") / "traps.sav"))


def _draft(data):
    return Study.model_validate(YAML(typ="safe").load(study_draft(inspect_survey(data))))


def test_values_have_labels_counts_and_shares(traps):
    (econ,) = [v for v in inspect_survey(traps).variables if v.name == "ECON"]

    assert [(v.code, v.label, v.n) for v in econ.values][:2] == [(1, "Good", 2), (2, "Fair", 3)]
    assert econ.values[0].share == 0.2
    assert (econ.n_missing, econ.n_distinct) == (1, 4)


def test_suspected_and_declared_missing_codes_are_shown(traps):
    reports = {v.name: v for v in inspect_survey(traps).variables}

    assert reports["ECON"].suspected_missing == {99: "refused"}
    assert reports["AGE"].suspected_missing == {99: "refused"}
    assert set(reports["ROUTED"].declared_missing) == {-5, -7, 98}


def test_candidates_and_groups_are_found(traps):
    inspection = inspect_survey(traps)

    assert inspection.weight_candidates == ("WT",)
    assert inspection.id_candidates[0] == "ID"
    (group,) = inspection.multiple_response
    assert (group.name, group.boxes, group.refused) == ("RACE", ("RACE_1", "RACE_2"), "RACE_99")
    assert group.options == ("White", "Black")


def test_respondents_ids_are_never_listed(traps):
    (ids,) = [v for v in inspect_survey(traps).variables if v.name == "ID"]

    assert ids.values == ()


def test_unlabelled_99_in_a_csv_is_warned_about(tmp_path):
    data = read_survey(write_csv(tmp_path / "s.csv", "id,q\n1,1\n2,2\n3,99\n4,2\n"))

    assert any("99 could stand for no answer" in w for w in inspect_survey(data).warnings)


@pytest.mark.parametrize(
    ("codes", "apart"),
    [("1239", "9"), ("1234589", "8, 9"), ("019", "9"), ("1234567", ""), ("12357", ""), ("2349", ""), ("19", "")],
)
def test_last_digits_behind_a_gap_could_stand_for_no_answer(tmp_path, codes, apart):
    rows = "".join(f"{i},{code}\n" for i, code in enumerate(codes * 2, start=1))
    data = read_survey(write_csv(tmp_path / "s.csv", "id,q\n" + rows))

    told = [w for w in inspect_survey(data).warnings if "could stand for no answer" in w]
    assert told == ([f"q: {apart} could stand for no answer; the file does not say."] if apart else [])


def test_draft_of_the_trap_file_fits_the_file(traps):
    study = _draft(traps)
    prepared = prepare(study, traps)

    assert study.survey.respondent_id == "ID"
    assert study.survey.weight == "WT"
    assert {"AGE", "RACE"} <= set(study.persona.fields)
    assert prepared.codebook.questions["ECON"].codes == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "id,a b,q:\n1,x,1\n2,y,2\n",
        "no,yes\n1,2\n1,3\n",
        "x\n1\n",
        'id,text\n1,"say ""hi"""\n2,\'#\n',
        "id,odd\x8fname\n1,a\u2028b\n2,c\n",
        'id,"Größe, cm"\n1,Ja\n2,Nein\n',
    ],
)
def test_draft_of_any_table_has_the_right_shape(tmp_path, text):
    assert _draft(read_survey(write_csv(tmp_path / "s p: a.csv", text))).arms


def test_draft_names_a_fractional_missing_code_by_a_range(tmp_path):
    labels = {"Q": {1: "Yes", 2: "No", 97.5: "Refused"}}
    frame = pd.DataFrame({"ID": [1.0, 2.0, 3.0], "Q": [1.0, 2.0, 97.5]})
    pyreadstat.write_sav(frame, str(tmp_path / "f.sav"), variable_value_labels=labels)

    assert _draft(read_survey(tmp_path / "f.sav")).missing["Q"].refused == ["97.5..97.5"]


def test_columns_read_in_turn_tell_the_same_as_all_at_once(tmp_path, monkeypatch):
    path = write_trap_sav(tmp_path / "traps.sav")
    at_once = inspect_file(path)

    monkeypatch.setattr("survey.drafting.inspect.MOST_CELLS", 30)

    assert inspect_file(path) == at_once
    assert at_once == inspect_survey(read_survey(path))
