"""The rule language: meaning, errors, and laws that hold for every rule."""

from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import StudyError
from survey.conditions.rule_check import rule_problems
from survey.conditions.rules import parse_rule
from survey.data import Variable
from tests.support.survey_files import random_frame

FRAME = pd.DataFrame(
    {
        "A": pd.array([1, 2, 3, None], dtype="Int32"),
        "W": pd.array([0.5, 1.5, None, 2.5], dtype="Float64"),
        "S": pd.Series(["x", "y", None, "z"], dtype="str"),
    }
)


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("A == 1", [0]),
        ("A != 1", [1, 2]),
        ("not (A == 1)", [1, 2]),
        ("not not A == 1", [0]),
        ("missing(A)", [3]),
        ("not missing(A)", [0, 1, 2]),
        ("A in [1, 3]", [0, 2]),
        ("A not in [1, 3]", [1]),
        ("A >= 2 and W > 1", [1]),
        ("A == 1 or W > 1", [0, 1, 3]),
        ("A == 1 or A == 2 and W > 9", [0]),
        ("(A == 1 or A == 2) and W > 9", []),
        ("S == \"x\" or S in ['z']", [0, 3]),
        ("S != 'x'", [1, 3]),
        ("A == 99999999999999999999", []),
        ("A > -5", [0, 1, 2]),
        ("`A` == 1", [0]),
        ("A == 1 AND NOT missing(W)", [0]),
    ],
)
def test_rule_holds_in_these_rows(rule, rows):
    assert np.flatnonzero(parse_rule(rule).holds(FRAME)).tolist() == rows


@pytest.mark.parametrize(
    ("rule", "character", "says"),
    [
        ("A = 1", 3, "write `==`"),
        ("A ==", 5, "it ends"),
        ("(A == 1", 8, "expected `)`"),
        ("A == 1 B == 2", 8, "`and`, `or` or the end"),
        ("missing A", 9, "expected `(`"),
        ("", 1, "name of a variable"),
        ("A in []", 7, "a number or a text"),
        ("A == 'x", 6, "not closed"),
        ("1 == A", 1, "name of a variable"),
        ("A == B", 6, "a number or a text"),
        ("A == 1 & B == 2", 8, "write `and`"),
        ("not", 4, "name of a variable"),
        ("__import__('os')", 11, "a comparison"),
        ("(" * 200 + "A == 1", 51, "too deeply"),
    ],
)
def test_broken_rule_is_told_with_its_character(rule, character, says):
    with pytest.raises(StudyError, match="rule") as error:
        parse_rule(rule, where="survey.filter")

    problem = error.value.problems[0]
    assert f"(character {character})" in problem.what
    assert says in problem.what
    assert (problem.where, problem.code) == ("survey.filter", "rule_syntax")


def test_variables_are_all_names_in_a_rule():
    assert parse_rule("A == 1 and (missing(B) or not C in [1])").variables == {"A", "B", "C"}


VARIABLES = {
    "EDUCATION": Variable("EDUCATION", labels={1: "Low", 2: "High"}, kind="labelled"),
    "GENDER": Variable("GENDER", labels={1: "A man", 2: "A woman"}, kind="labelled"),
    "STATE": Variable("STATE", kind="text"),
}


@pytest.mark.parametrize(
    ("rule", "code", "says"),
    [
        ("EDUCTION >= 2", "rule_unknown_variable", "EDUCATION"),
        ("education >= 2", "rule_unknown_variable", "EDUCATION"),
        ("EDUCATION >= 1 and GENDER >= 2", "rule_order_on_nominal", "in [...]"),
        ("GENDER == 'A man'", "rule_type", "GENDER == 1"),
        ("STATE == 5", "rule_type", "quotation marks"),
    ],
)
def test_rule_is_checked_against_the_variables(rule, code, says):
    (problem,) = rule_problems(parse_rule(rule), VARIABLES, {"GENDER"}, where="survey.filter")

    assert problem.code == code
    assert says in str(problem)


def test_order_on_an_unmarked_variable_and_equality_on_a_nominal_one_are_fine():
    rule = parse_rule("EDUCATION >= 2 and GENDER == 1 and not missing(STATE)")

    assert rule_problems(rule, VARIABLES, {"GENDER"}, where="survey.filter") == []


leaves = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from("AB"), st.sampled_from(["==", "!=", "<", ">="]), st.integers(0, 5)),
    st.builds("missing({})".format, st.sampled_from("AB")),
    st.builds("{} in [{}, 3]".format, st.sampled_from("AB"), st.integers(1, 4)),
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=6,
)


@given(rules, rules, st.integers(0, 50))
def test_de_morgan_holds_for_every_pair_of_rules(one, other, seed):
    frame = random_frame(20, seed)

    together = parse_rule(f"not ({one} and {other})").holds(frame)
    apart = parse_rule(f"not ({one}) or not ({other})").holds(frame)

    assert (together == apart).all()


@given(rules, st.integers(0, 50))
def test_a_rule_and_its_opposite_never_both_hold(rule, seed):
    frame = random_frame(20, seed)

    assert not (parse_rule(rule).holds(frame) & parse_rule(f"not ({rule})").holds(frame)).any()


@given(st.text(alphabet="AB()[]<>=!'`,.-10 andortimsg", max_size=40))
def test_any_text_is_a_rule_or_a_study_error(text):
    with suppress(StudyError):
        parse_rule(text).holds(random_frame(3, 0).reindex(columns=sorted(parse_rule(text).variables)))
