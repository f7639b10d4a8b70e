"""Routes: the first step whose rule holds, by raw codes and by derived fields."""

import pytest

from schemas.errors import StudyError
from survey.files import read_survey
from survey.prepare import prepare
from tests.support.survey_files import make_study, write_csv

TEXT = "id,age,town,q\na,20,Bonn,1\nb,40,Köln,2\nc,,Bonn,1\nd,60,Ulm,2\n"
BASIC = {"model": "mini", "strategy": "basic"}


def prepared(tmp_path, *steps: dict, **more: object):
    study = make_study(
        survey={"file": "s.csv", "respondent_id": "id"},
        persona={"fields": ["age"]},
        questions={"q": {"text": "How?", "answers": {1: "A lot", 2: "A little"}}},
        missing={},
        arms={"basic": BASIC, "other": BASIC, "last": BASIC, "hybrid": {"route": list(steps)}},
        **more,
    )
    return prepare(study, read_survey(write_csv(tmp_path / "s.csv", TEXT)))


def test_first_rule_that_holds_decides_and_missing_goes_to_the_end(tmp_path):
    steps = [{"when": "age >= 50", "arm": "other"}, {"when": "age >= 30", "arm": "basic"}, {"arm": "last"}]

    found = prepared(tmp_path, *steps)

    assert found.routes == {"hybrid": (2, 1, 2, 0)}


def test_rules_see_texts_and_their_variables_are_kept_with_the_respondents(tmp_path):
    found = prepared(tmp_path, {"when": 'town == "Bonn"', "arm": "other"}, {"arm": "last"})

    assert found.routes["hybrid"] == (0, 1, 0, 1)
    assert "town" in found.respondents.columns
    assert "town" not in [problem.what for problem in found.notes]


def test_filter_and_routes_count_the_same_rows(tmp_path):
    survey = {"file": "s.csv", "respondent_id": "id", "filter": "age >= 30"}
    study = make_study(
        survey=survey, persona={"fields": ["age"]}, missing={},
        questions={"q": {"text": "How?", "answers": {1: "A lot", 2: "A little"}}},
        arms={"basic": BASIC, "hybrid": {"route": [{"when": "age > 50", "arm": "basic"}, {"arm": "basic"}]}},
    )  # fmt: skip

    found = prepare(study, read_survey(write_csv(tmp_path / "s.csv", TEXT)))

    assert found.routes["hybrid"] == (1, 0)


@pytest.mark.parametrize(
    ("when", "code"),
    [
        pytest.param("age >", "rule_syntax", id="syntax"),
        pytest.param("aeg > 3", "rule_unknown_variable", id="unknown"),
        pytest.param("town > 3", "rule_order_on_nominal", id="order on text"),
    ],
)
def test_broken_rule_is_told_with_its_step(tmp_path, when, code):
    with pytest.raises(StudyError) as caught:
        prepared(tmp_path, {"when": when, "arm": "other"}, {"arm": "last"})

    places = {(problem.where, problem.code) for problem in caught.value.problems}
    assert ("arms.hybrid.route.0.when", code) in places
