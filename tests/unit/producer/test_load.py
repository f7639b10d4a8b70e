import pytest

from producer.load import load_models, load_study
from schemas.errors import StudyError
from tests.support.small_study import MODELS, STUDY, write_study


def problem_of(call):
    with pytest.raises(StudyError) as caught:
        call()
    return str(caught.value.problems[0])


def test_study_and_models_are_loaded_with_their_lines(tmp_path):
    path = write_study(tmp_path)

    study, source = load_study(path)
    models, _ = load_models(path)

    assert study.study == "small"
    assert source.where("questions.MOOD") == "study.yaml:11 (questions.MOOD)"
    assert list(models.models) == ["mini"]


def test_named_models_file_comes_first(tmp_path):
    named = tmp_path / "named.yaml"
    named.write_text(MODELS.replace("mini:", "named:"))

    assert list(load_models(write_study(tmp_path), named).models.models) == ["named"]


def test_missing_study_names_the_nearest_file(tmp_path):
    write_study(tmp_path)

    assert "Did you mean" in problem_of(lambda: load_study(tmp_path / "studdy.yaml"))
    assert "study.yaml?" in problem_of(lambda: load_study(tmp_path / "studdy.yaml"))


def test_missing_folder_is_said(tmp_path):
    assert "no folder" in problem_of(lambda: load_study(tmp_path / "nowhere" / "study.yaml"))


def test_folder_in_the_place_of_a_study_names_the_yaml_in_it(tmp_path):
    write_study(tmp_path)

    problem = problem_of(lambda: load_study(tmp_path))

    assert "folder" in problem
    assert "models.yaml" in problem or "study.yaml" in problem


def test_text_that_is_not_utf_8_is_told_with_its_line(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_bytes(b"study: small\nsurvey: caf\xe9\n")

    assert problem_of(lambda: load_study(path)).startswith("study.yaml:2: ")


def test_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path):
    path = write_study(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + STUDY.replace("\n", "\r\n").encode())

    study, source = load_study(path)

    assert study.study == "small"
    assert source.lines["arms.few_shot"] == 16
