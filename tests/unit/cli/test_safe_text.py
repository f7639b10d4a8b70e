"""Texts of models on a terminal."""

import json

import pytest

from cli.views.safe_text import first_line, safe, safe_json


def test_control_characters_become_visible():
    assert safe("a\x1b[31mb\rc\nd") == "a�[31mb�c\nd"


@pytest.mark.parametrize("mark", ["\x9b", "\x7f", "\u202e", "\u2066", "\u200f", "\u2028"])
def test_marks_that_turn_a_line_around_become_visible_and_are_escaped_in_json(mark):
    assert safe(f"a{mark}b") == "a�b"
    assert json.loads(safe_json(json.dumps(f"a{mark}b", ensure_ascii=False))) == f"a{mark}b"
    assert mark not in safe_json(json.dumps(f"a{mark}b", ensure_ascii=False))


@pytest.mark.parametrize("text", ["Zoë", "日本語", "می\u200cخواهم", "👩\u200d🔬", "a b"])
def test_texts_of_any_language_stay(text):
    assert safe(text) == text
    assert safe("a\u00a0b\tc") == "a b c"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(None, "", id="no text"),
        pytest.param(" \n ", "", id="blank"),
        pytest.param("2", "2", id="one line"),
        pytest.param("\n  Because.\nANSWER: 2", "Because.…", id="more lines"),
        pytest.param("x" * 90, "x" * 79 + "…", id="too long"),
    ],
)
def test_first_line_says_whether_there_is_more(text, line):
    assert first_line(text) == line
