import pytest

from producer.check import check
from tests.support.small_study import STUDY, write_study

ARM = "  earlier: {import: earlier.csv}\n"


def problems(folder, csv_text, arm=ARM):
    path = write_study(folder, study=STUDY + arm)
    if csv_text is not None:
        (folder / "earlier.csv").write_text(csv_text)
    return check(path, None, environ={}).problems


def test_import_with_id_and_one_question_is_fine(tmp_path):
    assert problems(tmp_path, "ID,MOOD_LLM\n100,1\n101,2\n") == []


@pytest.mark.parametrize(
    ("csv_text", "says"),
    [
        pytest.param(None, "not there", id="no-file"),
        pytest.param("RESP,MOOD_LLM\n100,1\n", "It has: RESP, MOOD_LLM.", id="no-id-column"),
        pytest.param("ID,MOOD\n100,1\n", "It has: ID, MOOD.", id="no-prediction"),
        pytest.param("ID,MOOD_LLM\n100,1\n100,2\n", "two rows", id="respondent-twice"),
    ],
)
def test_wrong_import_is_told_at_its_arm(tmp_path, csv_text, says):
    (problem,) = problems(tmp_path, csv_text)

    assert problem.where == "study.yaml:17 (arms.earlier.import)"
    assert problem.level == "error"
    assert says in str(problem)


def test_suffix_of_the_arm_is_looked_for(tmp_path):
    arm = "  earlier: {import: earlier.csv, suffix: _GPT}\n"

    assert problems(tmp_path, "ID,MOOD_GPT\n100,1\n", arm) == []


def test_named_question_needs_its_column(tmp_path):
    arm = "  earlier: {import: earlier.csv, questions: [MOOD, NEWS]}\n"

    (problem,) = problems(tmp_path, "ID,MOOD_LLM\n100,1\n", arm)

    assert "NEWS_LLM" in problem.what
