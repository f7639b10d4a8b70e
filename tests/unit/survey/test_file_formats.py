"""Formats beside .sav and .csv: Stata, SAS, portable SPSS, Excel, Qualtrics; what is special about each."""

import gzip
import os
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest

from schemas.errors import SurveyFileError
from schemas.study import MissingRule
from survey.codes.missing import read_missing_rules
from survey.export import write_survey
from survey.files import read_survey
from survey.formats.child import ChildCrashedError, in_child
from survey.prepare import prepare
from tests.support.survey_files import make_study, trap_frame, write_trap_sav

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "survey_files"


@pytest.fixture(scope="module")
def stata(tmp_path_factory):
    path = tmp_path_factory.mktemp("dta") / "s.dta"
    frame = pd.DataFrame(
        {
            "ID": [1.0, 2, 3, 4, 5],
            "WT": [1.0, 1, 1, 1, 1],
            "MOOD": pd.Series([1.0, 2.0, "a", "b", np.nan], dtype=object),
            "AGE": pd.Series([30.5, 41.0, "c", 50.0, 61.0], dtype=object),
            "NAME": ["Ann  ", "", "Cy", "Di", "Ed"],
        }
    )
    pyreadstat.write_dta(
        frame,
        str(path),
        column_labels=["", "", "How are you?", "Age", "Name"],
        variable_value_labels={"MOOD": {1: "Well", 2: "Badly", "a": "Refused", "b": "Don't know"}},
        missing_user_values={"MOOD": ["a", "b"], "AGE": ["c"]},
    )
    return read_survey(path)


def test_stata_letters_are_missing_codes_of_their_own_kind(stata):
    study = make_study(
        persona={"fields": ["AGE"]}, questions={"MOOD": {}}, missing={"AGE": MissingRule(refused=[".C"])}
    )

    prepared = prepare(study, stata)

    assert prepared.answers["MOOD"].status.tolist() == ["answered", "answered", "refused", "dont_know", "not_asked"]
    assert prepared.codebook.questions["MOOD"].labels == {1: "Well", 2: "Badly"}
    assert prepared.respondents["AGE"].isna().tolist() == [False, False, True, False, False]


def test_stata_letters_without_a_rule_or_label_are_missing_in_the_file(stata):
    rules, _ = read_missing_rules({}, stata.variables)

    assert rules.missing_codes(stata.variables["AGE"], [41, ".c"]) == {".c": "file_missing"}


def test_stata_text_loses_trailing_blanks_and_numbers_stay_numbers(stata):
    assert stata.frame["NAME"].tolist()[0] == "Ann"
    assert stata.frame["NAME"].isna()[1]
    assert [str(stata.frame[name].dtype) for name in ("MOOD", "AGE")] == ["Int64", "Float64"]


def test_stata_letters_survive_an_export_to_stata(stata, tmp_path):
    write_survey(tmp_path / "out.dta", stata, stata.frame["ID"].astype("str"), [])
    write_survey(tmp_path / "out.sav", stata, stata.frame["ID"].astype("str"), [])

    again, blank = read_survey(tmp_path / "out.dta"), read_survey(tmp_path / "out.sav")

    assert again.frame["MOOD"].equals(stata.frame["MOOD"])
    assert again.variables["MOOD"].labels == stata.variables["MOOD"].labels
    assert blank.frame["MOOD"].isna().tolist() == [False, False, True, True, True]


def test_zsav_reads_like_sav(tmp_path):
    sav = read_survey(write_trap_sav(tmp_path / "a.sav"))
    pyreadstat.write_sav(trap_frame(), str(tmp_path / "b.zsav"), compress=True)

    zsav = read_survey(tmp_path / "b.zsav")

    pd.testing.assert_frame_equal(sav.frame, zsav.frame)


def test_portable_file_keeps_declared_missing_values_and_labels():
    data = read_survey(FIXTURES / "people.por")

    assert data.frame["MOOD"].tolist()[3] == 9
    assert data.variables["MOOD"].labels == {1: "Well", 2: "So so", 3: "Badly", 9: "Refused"}
    assert data.variables["MOOD"].is_declared_missing(9)
    assert data.frame["MOOD"].isna().tolist().index(True) == 4


def test_sas_file_takes_labels_from_the_catalogue_beside_it():
    data = read_survey(FIXTURES / "people.sas7bdat")

    assert data.variables["MOOD"].labels == {1: "Well", 2: "So so", 3: "Badly"}
    assert data.variables["MOOD"].label == "How are you?"
    prepared = prepare(
        make_study(
            survey={"file": "p", "respondent_id": "ID"}, missing={}, persona={"fields": ["SEX"]}, questions={"MOOD": {}}
        ),
        data,
    )
    assert prepared.answers["MOOD"].status.tolist()[3:5] == ["file_missing", "not_asked"]


def test_sas_file_without_catalogue_says_that_labels_are_elsewhere(tmp_path):
    (tmp_path / "people.sas7bdat").write_bytes((FIXTURES / "people.sas7bdat").read_bytes())

    data = read_survey(tmp_path / "people.sas7bdat")

    assert data.variables["MOOD"].labels == {}
    assert any("people.sas7bcat" in warning for warning in data.warnings)
    assert data.sha256 != read_survey(FIXTURES / "people.sas7bdat").sha256


def test_sas_file_with_a_broken_catalogue_is_refused(tmp_path):
    (tmp_path / "people.sas7bdat").write_bytes((FIXTURES / "people.sas7bdat").read_bytes())
    (tmp_path / "people.sas7bcat").write_bytes(b"not a catalogue" * 100)

    with pytest.raises(SurveyFileError, match="catalogue cannot be read"):
        read_survey(tmp_path / "people.sas7bdat")


def test_sas_file_of_haven_reads_all_rows(tmp_path):
    (tmp_path / "iris.sas7bdat").write_bytes(gzip.decompress((FIXTURES / "iris.sas7bdat.gz").read_bytes()))

    data = read_survey(tmp_path / "iris.sas7bdat")

    assert data.frame.shape == (150, 5)
    assert data.frame["Species"].nunique() == 3


@pytest.mark.parametrize("name", ["s.sav", "s.zsav", "s.por", "s.dta", "s.sas7bdat", "s.xlsx", "s.parquet"])
def test_file_of_another_kind_is_refused_in_one_sentence(name, tmp_path):
    (tmp_path / name).write_bytes(b"This is a letter, not a survey. " * 40)

    with pytest.raises(SurveyFileError, match=r"This is not an? "):
        read_survey(tmp_path / name)


def test_reader_that_crashes_ends_its_child_only():
    with pytest.raises(ChildCrashedError):
        in_child(os.abort)


def test_refusal_in_the_child_arrives_whole():
    def refuse() -> None:
        raise SurveyFileError("no", where="here", hint="so", code="c")

    with pytest.raises(SurveyFileError) as error:
        in_child(refuse)

    assert (error.value.what, error.value.where, error.value.hint, error.value.code) == ("no", "here", "so", "c")


@pytest.mark.parametrize("name", ["traps.sav", "traps.csv", "traps.parquet", "traps.xlsx", "traps.dta"])
def test_only_wanted_columns_are_held_and_all_are_described(name, tmp_path):
    path, frame = tmp_path / name, trap_frame().drop(columns="BORN")
    write = {
        ".sav": lambda: pyreadstat.write_sav(frame, str(path)),
        ".dta": lambda: pyreadstat.write_dta(frame, str(path)),
        ".csv": lambda: frame.to_csv(path, index=False),
        ".parquet": lambda: frame.to_parquet(path),
        ".xlsx": lambda: frame.to_excel(path, index=False),
    }
    write[path.suffix]()

    data = read_survey(path, {"ECON", "AGE", "no such variable"})

    assert list(data.frame.columns) == ["ECON", "AGE"]
    assert list(data.variables) == list(frame.columns)
    assert data.frame["AGE"].tolist() == [18, 41, 97, 98, 99, 55, 60, 33, 41, 22]
    assert len(read_survey(path, {"nothing"}).frame) == 10


QUALTRICS = (
    "StartDate,Status,Q1,Q2_1,Q2_2\n"
    "Start Date,Response Type,How are you?,Which? - Selected Choice - Radio,Which? - Selected Choice - TV\n"
    '"{""ImportId"":""startDate""}","{""ImportId"":""status""}","{""ImportId"":""QID1""}",'
    '"{""ImportId"":""QID2_1""}","{""ImportId"":""QID2_2""}"\n'
    "2024-01-02,IP Address,1,1,\n2024-01-03,Survey Preview,2,,1\n"
)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [("q.csv", QUALTRICS, "utf-8-sig"), ("q.tsv", QUALTRICS.replace(",", "\t"), "utf-16")],
)
def test_qualtrics_headers_become_names_and_question_texts(name, text, encoding, tmp_path):
    (tmp_path / name).write_text(text, encoding=encoding)

    data = read_survey(tmp_path / name)

    assert len(data.frame) == 2
    assert data.frame["Q1"].tolist() == [1, 2]
    assert data.variables["Q1"].label == "How are you?"
    assert data.variables["Q2_1"].label == "Which? / Radio"
    assert any("1 rows are previews" in warning for warning in data.warnings)


def test_workbook_reads_like_csv_and_names_other_sheets(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["ID", "ZIP", "MOOD", "OK"], [1, "02139", 1.0, True], [None] * 4, [2, "10001", None, False]):
        sheet.append(row)
    book.create_sheet("Notes").append(["read me"])
    book.save(tmp_path / "s.xlsx")

    data = read_survey(tmp_path / "s.xlsx")

    assert data.frame["ZIP"].tolist() == ["02139", "10001"]
    assert data.frame["MOOD"].tolist()[0] == 1
    assert data.frame["OK"].tolist() == [1, 0]
    assert any("Notes" in warning for warning in data.warnings)


def test_workbook_with_a_cell_beyond_the_header_is_refused(tmp_path):
    book = openpyxl.Workbook()
    for row in (["ID", "Q"], [1, 2, 3]):
        book.active.append(row)
    book.save(tmp_path / "s.xlsx")

    with pytest.raises(SurveyFileError, match="3 cells and the header has 2"):
        read_survey(tmp_path / "s.xlsx")
