"""CSV and Parquet files."""

import datetime as dt
import decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SurveyFileError
from survey.files import read_survey
from tests.support.survey_files import write_csv


def _read(tmp_path, text, encoding="utf-8"):
    return read_survey(write_csv(tmp_path / "s.csv", text, encoding))


def test_columns_become_integers_numbers_and_text(tmp_path):
    data = _read(tmp_path, "id,score,word,mixed\n1,1.5,yes,1\n2.0,2,no  ,x\n")

    assert [str(dtype) for dtype in data.frame.dtypes] == ["Int64", "Float64", "str", "str"]
    assert data.frame["word"].tolist() == ["yes", "no"]
    assert {v.kind for v in data.variables.values()} == {"numeric", "text"}


def test_blank_cells_are_null_and_rows_stay(tmp_path):
    data = _read(tmp_path, "id,q\n1,\n2,   \n3,4\n")

    assert data.frame["q"].isna().tolist() == [True, True, False]


def test_leading_zeros_stay_text(tmp_path):
    assert _read(tmp_path, "zip\n02139\n10001\n").frame["zip"].tolist() == ["02139", "10001"]


def test_eight_digit_dates_stay_text_and_are_dates(tmp_path):
    data = _read(tmp_path, "day,n\n20240222,1\n,2\n")

    assert data.variables["day"].kind == "date"
    assert data.frame["day"].tolist()[0] == "20240222"


def test_na_words_are_blank_in_a_numeric_column_only_and_told(tmp_path):
    data = _read(tmp_path, "q,country\n1,NA\nNA,DE\n")

    assert data.frame["q"].isna().tolist() == [False, True]
    assert data.frame["country"].tolist() == ["NA", "DE"]
    assert any(w.startswith("q: 1 cells") for w in data.warnings)


def test_infinite_and_exotic_numbers_stay_text(tmp_path):
    assert _read(tmp_path, "q\ninf\n1_000\n").variables["q"].kind == "text"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(tmp_path, delimiter):
    data = _read(tmp_path, delimiter.join("ab") + "\n" + delimiter.join("12") + "\n")

    assert list(data.frame.columns) == ["a", "b"]


def test_decimal_commas_are_read_where_semicolons_separate(tmp_path):
    assert _read(tmp_path, "id;w\n1;0,5\n2;1,5\n").frame["w"].tolist() == [0.5, 1.5]


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert list(_read(tmp_path, "\ufeffid,q\n1,2\n").frame.columns) == ["id", "q"]


def test_latin1_is_read_and_told(tmp_path):
    data = _read(tmp_path, "name\nZoë\n", "latin-1")

    assert data.frame["name"].tolist() == ["Zoë"]
    assert "not UTF-8" in data.warnings[0]


def test_quoted_cells_keep_delimiters_and_line_breaks(tmp_path):
    assert _read(tmp_path, 'a,b\n"x, y","1\n2"\n').frame["a"].tolist() == ["x, y"]


def test_empty_lines_are_passed_over_and_counted(tmp_path):
    data = _read(tmp_path, "a,b\n1,2\n\n3,4\n\n")

    assert len(data.frame) == 2
    assert data.warnings == ["2 lines without any character were passed over."]


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        pytest.param("a,b\n1,2,3\n", "3 cells and the header has 2", ":2", id="too-many"),
        pytest.param("a,b\n1\n", "1 cells and the header has 2", ":2", id="too-few"),
        pytest.param('a,b\n"1,2\n', "quotation mark", "", id="open-quote"),
        pytest.param("a,\n1,2\n", "Column 2 has no name", ":1", id="no-name"),
        pytest.param("a,a\n1,2\n", "named a", ":1", id="same-name"),
        pytest.param("a,b\n", "no respondents", "", id="header-only"),
        pytest.param("a\0b", "not a text file", "", id="binary"),
    ],
)
def test_broken_file_is_refused_with_its_line(tmp_path, text, says, line):
    with pytest.raises(SurveyFileError, match=says) as error:
        _read(tmp_path, text)

    assert error.value.where.endswith(f"s.csv{line}") or not line


def test_parquet_types_become_the_same_columns(tmp_path):
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int8()),
            "f": pa.array([1.0, 2.0]),
            "b": [True, False],
            "d": [dt.date(2024, 2, 22), None],
            "t": [dt.datetime(2024, 2, 22, 10, tzinfo=dt.UTC), None],
            "c": pa.array(["x ", ""]).dictionary_encode(),
            "m": pa.array([decimal.Decimal("1.5"), None]),
            "n": pa.nulls(2),
            "nested": [[1], [2]],
        }
    )
    pq.write_table(table, tmp_path / "s.parquet")

    data = read_survey(tmp_path / "s.parquet")

    assert data.frame["i"].tolist()[0] == 1
    assert str(data.frame["f"].dtype) == "Int64"
    assert data.frame["b"].tolist() == [1, 0]
    assert data.frame["d"].tolist()[0] == "20240222"
    assert data.frame["t"].tolist()[0] == "20240222 10:00:00"
    assert data.frame["c"].isna().tolist() == [False, True]
    assert data.frame["m"].tolist()[0] == 1.5
    assert data.frame["n"].isna().all()
    assert data.warnings == ["nested: left out, its type list<element: int64> has no codes."]


def test_truncated_parquet_is_refused(tmp_path):
    path = tmp_path / "s.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-50])

    with pytest.raises(SurveyFileError, match="cut short"):
        read_survey(path)
