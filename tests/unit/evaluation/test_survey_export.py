import numpy as np
import pytest

from evaluation.reporting.survey_export import export_survey
from schemas.errors import UserInputError
from survey.files import read_survey
from tests.support.runs_folder import NO_ANSWER, ArmRows, RunFolder, variable

N = 12
ANSWERS = np.array([1, 2, NO_ANSWER] * 4)


@pytest.fixture
def made(tmp_path):
    folder = RunFolder(
        questions=[variable("Q", [1, 2], labels={1: "yes", 2: "no"}, text="Well?")],
        truth={"Q": np.ones(N, int)},
        arms={"basic": {"Q": ArmRows(ANSWERS)}},
        fields={"F": [1] * N},
    )
    rows = [f"{one},{i},text {i}" for i, one in enumerate(reversed(folder.respondent_ids))]
    survey = tmp_path / "survey.csv"
    survey.write_text("\n".join(["ID,Q,NOTE", *rows]), encoding="utf-8")
    return folder.write(tmp_path / "store"), survey, folder.respondent_ids


def test_answers_land_beside_their_respondent_whatever_the_order_of_rows(made, tmp_path):
    store, survey, ids = made

    names = export_survey(store, "run-1", survey, tmp_path / "out.sav")

    again = read_survey(tmp_path / "out.sav")
    by_id = dict(zip(again.frame["ID"], again.frame["Q_basic"].to_numpy("float64", na_value=0), strict=True))
    assert names == (["Q_basic"], {})
    assert [by_id[one] for one in ids] == ANSWERS.tolist()
    assert again.variables["Q_basic"].labels == {1: "yes", 2: "no"}
    assert again.variables["Q_basic"].label == "Well? [basic: model-generated, not measured opinion]"
    assert again.frame["NOTE"].tolist()[0] == "text 0"


def test_other_endings_are_refused(made, tmp_path):
    store, survey, _ = made

    with pytest.raises(UserInputError, match="no format"):
        export_survey(store, "run-1", survey, tmp_path / "out.xpt")


def test_unwritable_place_is_refused_in_words(made, tmp_path):
    store, survey, _ = made

    with pytest.raises(UserInputError, match="cannot be written"):
        export_survey(store, "run-1", survey, tmp_path / "absent" / "out.sav")
