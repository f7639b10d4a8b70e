"""Texts of models on a terminal."""

import pytest

from cli.safe_text import first_line, safe


def test_control_characters_become_visible():
    assert safe("a\x1b[31mb\rc\nd") == "a�[31mb�c\nd"


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
