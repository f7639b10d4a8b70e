import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.answers import Choice, Unparsed, read_answer

OFFERED = {1: "Excellent", 2: "Good", 3: "Only fair (so-so)"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("2", 2, id="the code"),
        pytest.param(" 2.\n", 2, id="the code with a full stop"),
        pytest.param("**2**", 2, id="the code in bold"),
        pytest.param("good", 2, id="the label in another case"),
        pytest.param('"Only fair (so-so)"', 3, id="the label in quotes"),
        pytest.param("2. Good", 2, id="code and label that agree"),
        pytest.param("3) Only fair (so-so)", 3, id="code, bracket, label"),
    ],
)
def test_exactly_one_offered_code_or_label_is_read(text, code):
    assert read_answer(text, "number", OFFERED) == Choice(code)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("I am 42", "no_code", id="prose with a number"),
        pytest.param("I would say 2 because", "no_code", id="prose with a code"),
        pytest.param("4", "code_not_offered", id="a code that was not offered"),
        pytest.param("1 2", "no_code", id="two codes"),
        pytest.param("1. Good", "no_code", id="code and label that disagree"),
        pytest.param("２", "no_code", id="a digit of another script"),
        pytest.param("²", "no_code", id="a superscript"),
        pytest.param("2.0", "no_code", id="a decimal"),
        pytest.param("   ", "no_text", id="blank"),
        pytest.param("x" * 200_000, "no_code", id="far too long"),
    ],
)
def test_anything_else_is_unparsed_with_a_reason(text, reason):
    assert read_answer(text, "number", OFFERED) == Unparsed(reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("There are 2 reasons.\nANSWER: 3", Choice(3), id="last line"),
        pytest.param("reason\n**Answer: 1**", Choice(1), id="bold answer line"),
        pytest.param("ANSWER: 1\nno wait\nANSWER: 2", Choice(2), id="corrected, the last line closes"),
        pytest.param("ANSWER: 1\nANSWER: 2\nor so", Unparsed("no_answer_line"), id="two answers, none closes"),
        pytest.param("3", Unparsed("no_answer_line"), id="no answer line"),
        pytest.param("ANSWER: 7", Unparsed("code_not_offered"), id="code not offered"),
        pytest.param("ANSWER: Good", Choice(2), id="label"),
    ],
)
def test_answer_line_is_read_from_its_line_only(text, expected):
    assert read_answer(text, "answer_line", OFFERED) == expected


@given(st.text())
def test_reading_never_fails_and_never_invents_a_code(text):
    read = read_answer(text, "number", OFFERED)
    assert isinstance(read, Unparsed) or read.code in OFFERED
