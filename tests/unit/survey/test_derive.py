"""Multiple-response fields."""

import numpy as np
import pandas as pd
import pytest

from schemas.derive import Derive
from survey.codes.missing import read_missing_rules
from survey.data import Variable
from survey.files import read_survey
from survey.items.question_text import option_texts, shared_text, without_name
from survey.personas.derive import box_texts, derive_field, join_texts
from tests.support.survey_files import make_study, write_trap_sav

RACE = {
    "selected": ["RACE_1", "RACE_2"],
    "refused": "RACE_99",
    "prefix": {"from": "HISP", 1: "Hispanic, ", 2: "non-Hispanic "},
}


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    return read_survey(write_trap_sav(tmp_path_factory.mktemp("derive") / "traps.sav"))


def _texts(data, **changes):
    rules, _ = read_missing_rules(make_study().missing, data.variables)
    derived = derive_field("RACE", Derive.model_validate(RACE | changes), data.frame, data.variables, rules)
    labels = derived.variable.labels
    return [None if pd.isna(code) else labels[code] for code in derived.answers.codes], derived.variable


def test_parts_that_are_missing_are_left_out(traps):
    texts, _ = _texts(traps)

    assert texts == [
        "Hispanic, White",
        "non-Hispanic White and Black",
        "Black",  # refused to say whether Hispanic
        "Hispanic",  # refused race
        "non-Hispanic White",
        None,  # refused both
        "non-Hispanic",  # ticked nothing
        "Hispanic, White",
        "non-Hispanic Black",
        "non-Hispanic White",
    ]


def test_codes_run_by_frequency_then_alphabet(traps):
    _, variable = _texts(traps)

    assert list(variable.labels.values())[:3] == ["Hispanic, White", "non-Hispanic White", "Black"]
    assert variable.codes == list(range(1, 8))
    assert variable.text == "What is your race?"


def test_prefix_codes_may_be_texts_as_json_writes_them(traps):
    texts, _ = _texts(traps, prefix={"from": "HISP", "1": "Hispanic, "})

    assert texts[:2] == ["Hispanic, White", "White and Black"]


def test_without_prefix_nobody_ticked_is_missing(traps):
    texts, _ = _texts(traps, prefix=None)

    assert [i for i, text in enumerate(texts) if text is None] == [3, 5, 6]


def test_join_texts_without_respondents_is_empty():
    assert join_texts(np.zeros((0, 2), dtype=bool), ["a", "b"], [], " and ") == []


@pytest.mark.parametrize(
    ("spec", "code", "where"),
    [
        ({"selected": ["RACE_1", "RACE_3"]}, "unknown_variable", "persona.derive.RACE.selected"),
        ({"selected": []}, "derive_empty", "persona.derive.RACE.selected"),
        ({"selected": ["STATE"]}, "derive_type", "persona.derive.RACE.selected"),
        ({"selected": ["ID"]}, "derive_no_label", "persona.derive.RACE.selected"),
        ({"refused": "RACE_88"}, "unknown_variable", "persona.derive.RACE.refused"),
        ({"prefix": {1: "x"}}, "derive_prefix", "persona.derive.RACE.prefix"),
        ({"prefix": {"from": "HSP"}}, "unknown_variable", "persona.derive.RACE.prefix.from"),
    ],
)
def test_wrong_definition_is_a_problem_at_its_key(traps, spec, code, where):
    rules, _ = read_missing_rules({}, traps.variables)

    problems = derive_field("RACE", Derive.model_validate(RACE | spec), traps.frame, traps.variables, rules)

    assert (code, where) in {(p.code, p.where) for p in problems}


def test_name_of_a_file_variable_cannot_be_derived(traps):
    rules, _ = read_missing_rules({}, traps.variables)

    (problem,) = derive_field("AGE", Derive.model_validate(RACE), traps.frame, traps.variables, rules)

    assert problem.code == "derive_name_taken"


def test_label_of_the_ticked_code_comes_first_where_it_says_more_than_yes():
    boxes = [Variable(f"M_{n}", label="Media", labels={0: "No", 1: text}) for n, text in enumerate(["Radio", "TV"])]

    assert box_texts(boxes) == ["Radio", "TV"]


@pytest.mark.parametrize(
    ("texts", "options", "shared"),
    [
        (["Race? / White", "Race? / Native / Other"], ["White", "Native / Other"], "Race?"),
        (["What race? / White"], ["White"], ""),
        (["Race? / White", "Race? / Black"], ["White", "Black"], "Race?"),
        (["Do you use: Facebook", "Do you use: Fax"], ["Facebook", "Fax"], "Do you use"),
        (["Which apps. Facebook", "Which apps. Fax"], ["Facebook", "Fax"], "Which apps."),
        (["Radio", "Rabbit"], ["Radio", "Rabbit"], ""),
        (["Alone"], ["Alone"], ""),
    ],
)
def test_option_texts_lose_the_question_they_share(texts, options, shared):
    assert option_texts(texts) == options
    assert shared_text(texts) == shared


@pytest.mark.parametrize(
    ("name", "text", "rest"),
    [
        ("ECON1MOD", "ECON1MOD. How would you?", "How would you?"),
        ("DEVICE1A", "DEVICE1a. Do you have?", "Do you have?"),
        ("RACEMOD_1", "RACEMOD. What is? / White", "What is? / White"),
        ("RELIGCAT1", "RELIG. What is?", "What is?"),
        ("AGE", "Age", "Age"),
        ("START", "START", ""),
        ("Q1", "Mr. Smith says", "Mr. Smith says"),
        ("U", "U.S. citizen", "U.S. citizen"),
        ("X", "", ""),
    ],
)
def test_leading_name_is_taken_off_a_text(name, text, rest):
    assert without_name(name, text) == rest
