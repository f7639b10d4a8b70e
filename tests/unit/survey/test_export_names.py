"""Names that SPSS and Stata bear, of surveys whose columns have others."""

import pandas as pd
import pytest

from survey.export import SyntheticColumn, write_survey
from survey.export_names import LONGEST_NAME, fitting_names
from survey.files import read_survey
from tests.support.runs_folder import variable

ODD = {
    "Lfd. Nr.": "Lfd_Nr",
    "Alter (Jahre)": "Alter_Jahre",
    "Größe": "Größe",
    "F3: Größtes Problem?": "F3_Groesstes_Problem",
    "1a": "V_1a",
    "with": "V_with",
    "変数 1": "V_1",
    "a b": "a_b",
    "A_B": "A_B_2",
}


def test_names_that_a_format_bears_stay_and_others_become_plain():
    assert fitting_names(ODD, "sav") == ODD
    assert fitting_names(["_x", "a.b", "變數"], "dta") == {"_x": "_x", "a.b": "a_b", "變數": "變數"}


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_table_with_odd_names_is_written_and_its_labels_say_them(tmp_path, kind):
    frame = pd.DataFrame({name: [1, 2, 3] for name in ODD} | {"ä" * 40: [1, 2, 3]})
    frame.to_csv(tmp_path / "survey.csv", index=False)
    data = read_survey(tmp_path / "survey.csv")
    column = SyntheticColumn(variable("F3: Größtes Problem?", [1, 2]), "arm one", {"1": 2, "3": 1})
    path = tmp_path / f"out.{kind}"

    written = write_survey(path, data, data.frame["Lfd. Nr."].astype("str"), [column])

    again = read_survey(path)
    assert list(again.frame.columns)[-1:] == written.added == ["F3_Groesstes_Problem_arm_one"[: LONGEST_NAME[kind]]]
    assert again.frame[written.added[0]].to_numpy("float64", na_value=0).tolist() == [2, 0, 1]
    assert written.renamed["Lfd. Nr."] == "Lfd_Nr"
    assert again.variables["F3_Groesstes_Problem"].label == "F3: Größtes Problem?"
    assert len(again.frame.columns) == len(frame.columns) + 1
