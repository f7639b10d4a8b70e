"""Drafts of surveys of different origin: what is guessed, and that the study checks without an error as written."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import statsmodels.api as sm

from producer.check import Checked, check
from survey.drafting.inspect import inspect_file
from survey.drafting.study_draft import study_draft
from tests.support.small_study import MODELS
from tests.support.survey_files import write_trap_sav

N = 300


def drafted(survey: Path) -> Checked:
    """The draft of a file, checked as it is."""
    study = survey.parent / "study.yaml"
    study.write_text(study_draft(inspect_file(survey)), encoding="utf-8")
    (survey.parent / "models.yaml").write_text(MODELS, encoding="utf-8")
    checked = check(study, None, environ={})
    assert checked.errors == []
    assert len(checked.prepared.respondents) > 0
    return checked


@pytest.mark.parametrize(
    ("name", "fields", "ordinal", "nominal"),
    [
        ("anes96", ["age", "educ", "income"], {"TVnews", "selfLR", "ClinLR", "DoleLR", "PID"}, {"vote"}),
        ("fair", ["age", "yrs_married", "educ", "occupation", "religious", "children"], {"rate_marriage"}, set()),
    ],
)
def test_table_of_plain_numbers_without_ids(name, fields, ordinal, nominal, tmp_path):
    getattr(sm.datasets, name).load_pandas().data.to_csv(tmp_path / f"{name}.csv", index=False)

    study = drafted(tmp_path / f"{name}.csv").study

    assert study.survey.respondent_id == "row_number"
    assert study.persona.fields == fields
    assert {q for q, item in study.questions.items() if item.scale == "ordinal"} == ordinal
    assert {q for q, item in study.questions.items() if item.scale == "nominal"} == nominal


def test_spss_file_with_boxes_and_missing_codes(tmp_path):
    study = drafted(write_trap_sav(tmp_path / "traps.sav")).study

    assert (study.survey.respondent_id, study.survey.weight) == ("ID", "WT")
    assert study.persona.derive["RACE"].selected == ["RACE_1", "RACE_2"]
    assert study.questions["ECON"].scale == "ordinal"
    assert study.missing["default"].refused == [99]


def test_stata_file_with_design_and_letters(tmp_path):
    rng = np.random.default_rng(3)
    opinion = pd.Series(rng.integers(1, 5, N).astype(float), dtype=object)
    opinion[:5] = "a"
    frame = pd.DataFrame(
        {
            "seqn": np.arange(N) + 1.0,
            "sdmvpsu": rng.integers(1, 3, N).astype(float),
            "sdmvstra": rng.integers(80, 95, N).astype(float),
            "wtmec2yr": rng.gamma(2, 5000, N),
            "riagendr": rng.integers(1, 3, N).astype(float),
            "health": opinion,
        }
    )
    pyreadstat.write_dta(
        frame,
        str(tmp_path / "exam.dta"),
        column_labels=["", "", "", "", "Gender", "Would you say your health is ...?"],
        variable_value_labels={
            "riagendr": {1: "Male", 2: "Female"},
            "health": {1: "Excellent", 2: "Good", 3: "Fair", 4: "Poor", "a": "Refused"},
        },
        missing_user_values={"health": ["a"]},
    )

    checked = drafted(tmp_path / "exam.dta")

    source = checked.study.survey
    assert (source.respondent_id, source.weight, source.strata, source.cluster) == (
        *("seqn", "wtmec2yr"),
        *("sdmvstra", "sdmvpsu"),
    )
    assert checked.study.persona.fields == ["riagendr"]
    assert list(checked.study.questions) == ["health"]
    assert (checked.prepared.answers["health"].status == "refused").sum() == 5


def test_table_with_german_names_and_codes_below_zero(tmp_path):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "Lfd. Nr.": np.arange(N) + 1,
            "Alter (Jahre)": rng.integers(18, 90, N),
            "Geschlecht": rng.choice(["männlich", "weiblich"], N),
            "Gewicht": rng.uniform(0.4, 2.5, N).round(3),
            "F1: Vertrauen": rng.integers(1, 5, N),
            "F2 Minuten": rng.integers(0, 200, N),
            "F3 Partei": rng.choice(["SPD", "Grüne", "weiss nicht", "k.A."], N),
        }
    )
    frame.loc[:4, "Alter (Jahre)"] = -9
    frame.loc[:9, "F1: Vertrauen"] = -9
    frame.loc[:9, "F2 Minuten"] = -8
    frame.to_csv(tmp_path / "umfrage.csv", index=False)

    checked = drafted(tmp_path / "umfrage.csv")
    study = checked.study

    assert (study.survey.respondent_id, study.survey.weight) == ("Lfd. Nr.", "Gewicht")
    assert study.persona.fields == ["Alter (Jahre)", "Geschlecht"]
    assert (checked.prepared.respondents["Alter (Jahre)"].isna()).sum() == 5
    assert study.missing["F2 Minuten"].refused == [-8]
    assert study.questions["F3 Partei"].answers == {1: "Grüne", 2: "SPD"}
    assert (checked.prepared.answers["F1: Vertrauen"].status == "refused").sum() == 10
    assert (checked.prepared.answers["F3 Partei"].status == "dont_know").any()
    assert "# Not used above: F2 Minuten." in (tmp_path / "study.yaml").read_text(encoding="utf-8")


def test_wording_that_nobody_has_written_is_warned_about(tmp_path):
    pd.DataFrame({"id": range(N), "sex": ["f", "m"] * 150, "q1": [1, 2, 3] * 100, "q2": [1, 2] * 150}).to_csv(
        tmp_path / "plain.csv", index=False
    )

    (warning,) = [p for p in drafted(tmp_path / "plain.csv").problems if p.code == "wording_unwritten"]

    assert warning.level == "warning"
    assert warning.what == "The model would be asked 'Wording of q1' and 1 more: the draft has no wording."


def test_table_without_numbered_answers_becomes_a_study(tmp_path):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "region": rng.choice(["C", "M", "N", "S"], N),
            "population": rng.choice([3750, 15000, 250000], N),
            "sex": rng.choice(["F", "M"], N),
            "statusquo": rng.normal(size=N),
            "vote": rng.choice(["A", "N", "U", "Y"], N),
        }
    )
    frame.to_csv(tmp_path / "plebiscite.csv", index=False)

    study = drafted(tmp_path / "plebiscite.csv").study

    assert study.persona.fields == ["sex", "region"]
    assert list(study.questions) == ["vote"]


def test_qualtrics_export_of_numbers(tmp_path):
    header = ["ResponseId", "Q1", "Q2", "Q3"]
    texts = ["Response ID", "How old are you?", "How satisfied are you with your life?", "Did you vote?"]
    ids = [f'{{"ImportId":"QID{n}"}}' for n in range(4)]
    rows = [[f"R_{n:04d}", str(18 + n % 60), str(-99 if n % 50 == 0 else 1 + n % 5), str(1 + n % 2)] for n in range(N)]
    table = io.StringIO()
    csv.writer(table).writerows([header, texts, ids, *rows])
    (tmp_path / "export.csv").write_text(table.getvalue(), encoding="utf-8")

    checked = drafted(tmp_path / "export.csv")

    assert checked.study.survey.respondent_id == "ResponseId"
    assert checked.study.persona.fields == ["Q1"]
    assert checked.study.questions["Q2"].scale == "ordinal"
    assert checked.prepared.codebook.questions["Q2"].text == "How satisfied are you with your life?"
    assert (checked.prepared.answers["Q2"].status == "refused").sum() == 6
