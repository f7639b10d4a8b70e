import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.answer_format import NUMBER, AnswerFormat
from workers.reading.answers import VERSIONS, Choice, Offered, Unparsed, read_answer

OFFERED = Offered({1: "Excellent", 2: "Good", 3: "Only fair (so-so)"}, (1, 2, 3))
LINE = AnswerFormat("single", "number", is_reasoned=True)


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
    assert [read_answer(text, NUMBER, OFFERED, version=v) for v in VERSIONS] == [Choice(code)] * len(VERSIONS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("I am 42", "no_code", id="prose with a number"),
        pytest.param("I would say 2 because", "no_code", id="prose with a code"),
        pytest.param("4", "code_not_offered", id="a code that was not offered"),
        pytest.param("1 2", "no_code", id="two codes"),
        pytest.param("1. Good", "no_code", id="code and label that disagree"),
        pytest.param("²", "no_code", id="a superscript"),
        pytest.param("2.0", "no_code", id="a decimal"),
        pytest.param("   ", "no_text", id="blank"),
    ],
)
def test_anything_else_is_unparsed_with_a_reason(text, reason):
    assert [read_answer(text, NUMBER, OFFERED, version=v) for v in VERSIONS] == [Unparsed(reason)] * len(VERSIONS)


def test_a_digit_of_another_script_is_read_from_version_2_on():
    assert read_answer("２", NUMBER, OFFERED, version=1) == Unparsed("no_code")
    assert read_answer("２", NUMBER, OFFERED, version=2) == Choice(2)
    assert read_answer("٣.", NUMBER, OFFERED) == Choice(3)


def test_a_reply_that_is_far_too_long_is_never_read():
    assert read_answer("x" * 200_000, NUMBER, OFFERED) == Unparsed("too_long")


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
    assert [read_answer(text, LINE, OFFERED, version=v) for v in VERSIONS] == [expected] * len(VERSIONS)


@given(st.text())
def test_reading_never_fails_and_never_invents_a_code(text):
    read = read_answer(text, NUMBER, OFFERED)
    assert isinstance(read, Unparsed) or read.code in OFFERED.labels
