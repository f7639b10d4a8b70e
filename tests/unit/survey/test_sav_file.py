"""Every trap of an SPSS file."""

import pyreadstat
import pytest

from schemas.errors import SurveyFileError
from survey.files import read_survey
from tests.support.survey_files import trap_frame, write_trap_sav


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    return read_survey(write_trap_sav(tmp_path_factory.mktemp("sav") / "traps.sav"))


def test_declared_missing_values_stay_codes_with_their_ranges(traps):
    routed = traps.variables["ROUTED"]

    assert routed.declared_missing == [(-7.0, -5.0), (98.0, 98.0)]
    assert traps.frame["ROUTED"].tolist()[2:4] == [-5, -7]
    assert routed.is_declared_missing(-6)
    assert not routed.is_declared_missing(1)


def test_whole_float_codes_become_integers_and_fractions_stay(traps):
    assert str(traps.frame["AGE"].dtype) == "Int64"
    assert traps.frame["AGE"].tolist()[1] == 41
    assert str(traps.frame["INCOME"].dtype) == "Float64"
    assert all(isinstance(code, int) for code in traps.variables["ECON"].labels)


def test_question_text_loses_its_leading_name(traps):
    assert traps.variables["ECON"].label == "How is the economy?"
    assert traps.variables["RACE_1"].label == "What is your race? / White"
    assert traps.variables["TWICE"].label == "Asked of all. Which?"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ECON", "labelled"), ("AGE", "numeric"), ("STATE", "text"), ("STARTED", "date"), ("BORN", "date")],
)
def test_kind_follows_from_labels_and_values(traps, name, kind):
    assert traps.variables[name].kind == kind


def test_partly_labelled_age_keeps_its_labels(traps):
    assert traps.variables["AGE"].labels == {98: "98+", 99: "Refused"}


def test_blank_and_trailing_spaces_leave_null_and_plain_text(traps):
    assert traps.frame["STATE"].tolist()[:2] == ["TX", "CA"]
    assert int(traps.frame["STATE"].isna().sum()) == 2
    assert int(traps.frame["STARTED"].isna().sum()) == 3


def test_spss_dates_become_yyyymmdd(traps):
    assert traps.frame["BORN"].tolist()[:2] == ["19800501", "19800502"]
    assert traps.frame["BORN"].isna()[2]


def test_duplicate_label_texts_keep_their_codes_apart_and_are_told(traps):
    assert traps.frame["TWICE"].nunique() == 3
    assert any("TWICE" in warning and "Other" in warning for warning in traps.warnings)


def test_every_row_is_kept_in_file_order(traps):
    assert traps.frame["ID"].tolist() == list(range(100, 110))
    assert list(traps.frame.index) == list(range(10))
    assert list(traps.frame.columns) == list(traps.variables)


def test_sha256_is_of_the_files_bytes(tmp_path):
    path = write_trap_sav(tmp_path / "a.sav")
    copy = tmp_path / "b.sav"
    copy.write_bytes(path.read_bytes())

    assert read_survey(path).sha256 == read_survey(copy).sha256
    assert len(read_survey(path).sha256) == 64


def test_texts_in_another_encoding_than_declared_are_read_and_told(tmp_path):
    path = tmp_path / "latin.sav"
    frame = trap_frame()[["ID", "STATE"]].assign(STATE="Zoe-X")
    pyreadstat.write_sav(frame, str(path))
    path.write_bytes(path.read_bytes().replace(b"Zoe-X", b"Zo\xeb-X"))

    data = read_survey(path)

    assert data.frame["STATE"].tolist()[0] == "Zoë-X"
    assert any("Latin-1" in warning for warning in data.warnings)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_truncated_file_says_what_where_and_what_to_do(tmp_path, share):
    path = write_trap_sav(tmp_path / "cut.sav")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(SurveyFileError) as error:
        read_survey(path)

    assert error.value.where == str(path)
    assert error.value.hint
    assert "readstat" not in str(error.value).lower()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("junk.sav", b"hello world" * 50, "not an SPSS file"),
        ("empty.sav", b"", "is empty"),
        ("survey.xls", b"x", "not read"),
        ("junk.parquet", b"hello", "not a Parquet file"),
    ],
)
def test_wrong_file_is_told_in_one_sentence(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SurveyFileError, match=says) as error:
        read_survey(tmp_path / name)

    assert error.value.hint


def test_missing_file_is_told_in_one_sentence(tmp_path):
    with pytest.raises(SurveyFileError, match="no such survey file"):
        read_survey(tmp_path / "absent.sav")


def test_folder_in_place_of_a_file_is_told_in_one_sentence(tmp_path):
    (tmp_path / "folder.sav").mkdir()

    with pytest.raises(SurveyFileError, match=r"cannot be opened|not an SPSS file|is empty"):
        read_survey(tmp_path / "folder.sav")


def test_file_without_respondents_is_refused(tmp_path):
    path = tmp_path / "none.sav"
    pyreadstat.write_sav(trap_frame().iloc[:0][["ID", "ECON"]], str(path))

    with pytest.raises(SurveyFileError, match="no respondents"):
        read_survey(path)


def test_reading_writes_nothing(tmp_path):
    path = write_trap_sav(tmp_path / "traps.sav")
    read_survey(path)

    assert list(tmp_path.iterdir()) == [path]
