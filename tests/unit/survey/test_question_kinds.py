"""Questions of every kind as a survey file holds them: codes, sets, numbers, words, and who was asked."""

import math

import pytest

from producer.check import check
from producer.load import load_study
from tests.support.kinds_study import QUESTIONS, people, write_kinds_study

N = 24


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    path = write_kinds_study(tmp_path_factory.mktemp("kinds"), "http://127.0.0.1:9/v1", n=N)
    checked = check(path, environ={})
    checked.raise_if_wrong()
    return checked.prepared


def rows():
    return list(enumerate(people(N)))


def test_batteries_become_their_items_in_place(prepared):
    names = list(prepared.codebook.questions)

    assert names[2:7] == ["TR1", "TR2", "BX1", "BX2", "BX3"]
    police = prepared.codebook.questions["TR1"]
    assert (police.stem, police.text, police.battery) == ("How far do you trust each of these?", "The police", "TRUST")
    assert police.scale == "ordinal"


def test_battery_in_an_arm_or_group_stands_for_its_items(tmp_path):
    path = write_kinds_study(tmp_path, "http://127.0.0.1:9/v1", arms={"a": "strategy: basic, questions: [TRUST, PAY]"})

    assert load_study(path).study.arms["a"].questions == ["TR1", "TR2", "PAY"]


def test_ticked_item_is_yes_no_and_a_refusal_is_neither(prepared):
    answers = prepared.answers["BX1"]

    for i, person in rows():
        if person["BX9"] == 1:
            assert answers.status[i] == "refused"
        else:
            assert answers.codes[i] == person["BX1"]


def test_several_codes_are_a_set_and_nobody_ticking_is_not_asked_where_all_is_blank(prepared):
    answers = prepared.answers["PETS"]

    for i, person in rows():
        ticked = tuple(k for k in (1, 2, 3) if person[f"PT{k}"] == 1)
        if ticked:
            assert (answers.several[i], answers.status[i]) == (ticked, "answered")
        else:
            assert (answers.several[i], answers.status[i]) == (None, "not_asked")


def test_number_keeps_its_value_and_the_rule_decides_who_was_asked(prepared):
    answers = prepared.answers["HOURS"]

    for i, person in rows():
        if person["NET"] != 1:
            assert answers.status[i] == "not_asked"
        elif person["HOURS"] == 99:
            assert answers.status[i] == "refused"
            assert math.isnan(answers.numbers[i])
        else:
            assert answers.numbers[i] == person["HOURS"]


def test_bins_are_an_ordinal_question_with_labelled_options(prepared):
    rooms = prepared.codebook.questions["ROOMS"]

    assert rooms.labels == {1: "1 to 2", 2: "3 to 4", 3: "5 to 12"}
    assert (rooms.kind, rooms.scale) == ("single", "ordinal")
    wanted = [1 if person["ROOMS"] < 3 else 2 if person["ROOMS"] < 5 else 3 for _, person in rows()]
    assert list(prepared.answers["ROOMS"].codes) == wanted


def test_own_words_are_kept_and_coded_by_the_codebook(prepared):
    answers = prepared.answers["WORRY"]

    for i, person in rows():
        text = person["WORRY"]
        assert answers.texts[i] == (text or None)
        code = {"Prices and jobs.": 1, "I never see a doctor.": 2, "crime in my street": 3}.get(text)
        assert (answers.codes[i] if code else None) == code


def test_form_of_a_split_ballot_is_known_for_everybody(prepared):
    assert list(prepared.answers["PAY"].forms) == [person["FORM"] for _, person in rows()]
    assert prepared.codebook.questions["PAY"].forms[2].startswith("Wages in this country are not")


def test_answer_of_somebody_the_rule_leaves_out_is_set_aside_with_a_warning(tmp_path, monkeypatch):
    monkeypatch.setitem(QUESTIONS, "PAY", "{text: a, answers: {1: a, 2: b}, asked_if: FORM == 1}")
    path = write_kinds_study(tmp_path, "http://127.0.0.1:9/v1", arms={"a": "strategy: basic"}, n=N)

    checked = check(path, environ={})

    assert "answered_though_not_asked" in {p.code for p in checked.problems}
    assert set(checked.prepared.answers["PAY"].status[1::2]) == {"not_asked"}


def test_ask_all_asks_also_those_whom_the_rule_leaves_out(tmp_path, monkeypatch):
    monkeypatch.setitem(QUESTIONS, "HOURS", QUESTIONS["HOURS"].replace("kind: numeric", "kind: numeric, ask: all"))
    path = write_kinds_study(tmp_path, "http://127.0.0.1:9/v1", arms={"a": "strategy: basic"}, n=N)

    assert load_study(path).study.questions["HOURS"].ask == "all"
    assert "not_asked" in set(check(path, environ={}).prepared.answers["HOURS"].status)
