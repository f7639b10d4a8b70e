"""The shipped data are what their builders build, and read as intended."""

import importlib.util
from pathlib import Path

import pytest
from statsmodels.datasets import anes96

from survey.files import read_survey

EXAMPLES = Path(__file__).parents[3] / "examples"


def _builder(name):
    spec = importlib.util.spec_from_file_location(f"build_{name}", EXAMPLES / name / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "file"), [("anes96", "anes96.sav"), ("reviews", "reviews.csv")])
def test_shipped_file_is_what_the_builder_builds(tmp_path, name, file):
    built = _builder(name).build(tmp_path / file)

    assert built.read_bytes() == (EXAMPLES / name / file).read_bytes()


def test_anes_file_holds_every_value_of_the_extract():
    data = read_survey(EXAMPLES / "anes96" / "anes96.sav")
    source = anes96.load_pandas().data

    assert len(data.frame) == 944
    for name in source.columns.drop("logpopul"):
        assert data.frame[name].tolist() == source[name].tolist()


def test_anes_labels_cover_every_value():
    data = read_survey(EXAMPLES / "anes96" / "anes96.sav")
    labelled = [v for v in data.variables.values() if v.labels]

    assert {v.name for v in labelled} == {"TVnews", "selfLR", "ClinLR", "DoleLR", "PID", "educ", "income", "vote"}
    assert all(v.kind == "labelled" and set(data.frame[v.name]) <= v.labels.keys() for v in labelled)
    assert data.variables["income"].labels[10] == "$14,000-$14,999"
    assert data.variables["income"].labels[22] == "$75,000-$89,999"


def test_reviews_have_every_star_and_age_group():
    frame = read_survey(EXAMPLES / "reviews" / "reviews.csv").frame

    assert len(frame) == 200
    assert sorted(frame["stars"].unique()) == [1, 2, 3, 4, 5]
    assert sorted(frame["age_group"].unique()) == ["18-29", "30-49", "50-64", "65+"]
