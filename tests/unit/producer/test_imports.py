import pytest

from producer.imports import read_import
from schemas.errors import StudyError


def read(tmp_path, text, *, questions=("Q1", "Q2"), required=False):
    path = tmp_path / "earlier.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    return read_import(path, id_column="ID", questions=questions, suffix="_LLM", required=required)


def test_answers_are_found_by_respondent_and_question(tmp_path):
    found = read(tmp_path, "ID,Q1_LLM,Q2_LLM\n7,1,Good\n8,2,\n")

    assert found.answers == {"Q1": {"7": "1", "8": "2"}, "Q2": {"7": "Good"}}


def test_whole_numbers_with_decimals_are_read_as_whole(tmp_path):
    assert read(tmp_path, "ID,Q1_LLM\n7.0,2.0\n").answers == {"Q1": {"7": "2"}}


def test_other_texts_stay_as_found(tmp_path):
    assert read(tmp_path, "ID,Q1_LLM\n007,2.5\nx,NA\n").answers == {"Q1": {"007": "2.5", "x": "NA"}}


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        pytest.param("RESP,Q1_LLM\n1,1\n", "no column ID", id="no id"),
        pytest.param("ID,Q1\n1,1\n", "no column Q1_LLM", id="no question"),
        pytest.param("ID,Q1_LLM\n1,1\n1.0,2\n", "two rows", id="id twice"),
        pytest.param("", "no CSV", id="empty file"),
    ],
)
def test_import_that_cannot_be_joined_is_an_error(tmp_path, text, needle):
    with pytest.raises(StudyError, match=needle):
        read(tmp_path, text)


def test_question_the_arm_names_needs_its_column(tmp_path):
    with pytest.raises(StudyError, match="no column Q2_LLM"):
        read(tmp_path, "ID,Q1_LLM\n1,1\n", required=True)


def test_missing_import_is_an_error_with_its_path(tmp_path):
    with pytest.raises(StudyError, match=r"nowhere\.csv"):
        read_import(tmp_path / "nowhere.csv", id_column="ID", questions=["Q"], suffix="", required=False)
