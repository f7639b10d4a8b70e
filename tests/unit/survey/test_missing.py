"""Missing rules: which codes of a variable are no answer."""

import pytest

from schemas.study import MissingRule
from survey.codes.missing import read_missing_rules
from survey.codes.missing_labels import missing_kind
from survey.data import Variable


def _rules(**rules):
    variables = {name: Variable(name) for name in rules if name != "default"}
    read, problems = read_missing_rules({name: MissingRule(**rule) for name, rule in rules.items()}, variables)
    assert problems == []
    return read


LABELLED = Variable("Q", labels={1: "Yes", 9: "Atheist", 99: "Refused"}, kind="labelled")
PLAIN = Variable("N", kind="numeric")


def test_default_applies_only_where_the_file_labels_the_code_so():
    rules = _rules(default={"refused": [9, 99]})

    assert rules.missing_codes(LABELLED, [1, 9, 99]) == {99: "refused"}
    assert rules.missing_codes(PLAIN, [1, 9, 99]) == {}


def test_default_that_a_label_contradicts_is_noted():
    (note,) = _rules(default={"refused": [9, 99]}).doubtful(LABELLED)

    assert (note.level, note.code) == ("note", "default_not_applied")
    assert "Atheist" in note.what


def test_default_never_reaches_ids_and_weights():
    rules = _rules(default={"refused": [99]}, Q={"file_missing": [1]})

    assert rules.own_missing(LABELLED, [1, 99]) == {1: "file_missing"}


def test_default_serves_a_question_whose_answers_the_study_lists():
    rules = _rules(default={"refused": [99]})

    assert rules.missing_codes(PLAIN, [1, 2, 99], answers={1: "Yes", 2: "No"}) == {99: "refused"}
    assert rules.missing_codes(PLAIN, [1, 2, 99], answers={1: "Yes", 99: "Refused"}) == {99: "refused"}
    assert rules.missing_codes(PLAIN, [1, 2, 99], answers={1: "Yes", 99: "Often"}) == {}


def test_own_rule_adds_to_the_default():
    rules = _rules(default={"refused": [99]}, Q={"dont_know": [9]})

    assert rules.missing_codes(LABELLED, [1, 9, 99]) == {9: "dont_know", 99: "refused"}


def test_keep_wins_over_the_default_and_over_the_file():
    declared = Variable("Q", labels={98: "98+", 99: "Refused"}, declared_missing=[(98, 99)])
    rules = _rules(default={"refused": [99]}, Q={"keep": [98]})

    assert rules.missing_codes(declared, [98, 99]) == {99: "refused"}


def test_declared_codes_are_missing_of_the_kind_their_label_says():
    declared = Variable(
        "Q", labels={-5: "Not asked", -7: "Don't know"}, declared_missing=[(-9, -5)], declared_missing_texts=["REF"]
    )

    assert _rules().missing_codes(declared, [-5, -6, -7, 1, "REF"]) == {
        -5: "not_asked",
        -6: "file_missing",
        -7: "dont_know",
        "REF": "file_missing",
    }


def test_ranges_and_quoted_numbers_name_codes():
    rules = _rules(Q={"not_asked": ["-7..-5"], "refused": ["9", "REF"]})

    found = rules.missing_codes(Variable("Q"), [-8, -7, -5, 9, "9", "REF", 1.5])

    assert found == {-7: "not_asked", -5: "not_asked", 9: "refused", "9": "refused", "REF": "refused"}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"refused": ["-5..-7"]}, "missing_range"),
        ({"refused": [9], "keep": [9]}, "missing_twice"),
        ({"refused": [9], "dont_know": [9]}, "missing_twice"),
    ],
)
def test_broken_rule_is_a_problem_at_its_key(rule, code):
    _, problems = read_missing_rules({"Q": MissingRule(**rule)}, {"Q": PLAIN})

    assert [(p.where, p.code) for p in problems] == [("missing.Q", code)]


def test_rule_for_an_unknown_variable_names_the_nearest():
    _, problems = read_missing_rules({"GENDR": MissingRule()}, {"GENDER": PLAIN})

    assert problems[0].code == "unknown_variable"
    assert "GENDER" in problems[0].hint


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Don't know/Refused/Web blank", "refused"),
        ("DK/Refused/No lean", "refused"),
        ("Refused", "refused"),
        ("No answer", "refused"),
        ("SKIPPED ON WEB", "refused"),
        ("Prefer not to say", "refused"),
        ("Don’t know", "dont_know"),
        ("(VOL) DK", "dont_know"),
        ("Not asked", "not_asked"),
        ("Inapplicable", "not_asked"),
        ("Missing", "file_missing"),
        ("Not sure", None),
        ("98+", None),
        ("I do not use the internet", None),
        ("No, don't use this", None),
        ("Less often or does not use the internet", None),
        ("Missing persons", "file_missing"),
    ],
)
def test_label_reads_like_this_kind_of_missing(label, kind):
    assert missing_kind(label) == kind
