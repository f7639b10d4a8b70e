from datetime import date

import pytest

from schemas.errors import StudyError
from schemas.yaml_source import MAX_BYTES, read_yaml


def problems_of(text):
    with pytest.raises(StudyError) as caught:
        read_yaml(text, "study.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("NO", "NO", id="norway-stays-text"),
        pytest.param("yes", "yes", id="yes-stays-text"),
        pytest.param("on", "on", id="on-stays-text"),
        pytest.param("true", True, id="true"),
        pytest.param("1_000_000", 1_000_000, id="underscores"),
        pytest.param("-7", -7, id="negative"),
        pytest.param("012", 12, id="leading-zero-is-decimal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0.40", 0.4, id="decimal"),
        pytest.param("1e-3", 0.001, id="exponent"),
        pytest.param("-7..-5", "-7..-5", id="range-stays-text"),
        pytest.param("12:30", "12:30", id="clock-time-stays-text"),
        pytest.param("2026-11-01", date(2026, 11, 1), id="date"),
        pytest.param('"5"', "5", id="quoted-number-stays-text"),
        pytest.param("~", None, id="null"),
        pytest.param("[1, {a: b}]", [1, {"a": "b"}], id="nested"),
    ],
)
def test_value_is_read_as_plain_data(text, value):
    assert read_yaml(f"a: {text}\n", "study.yaml").data == {"a": value}


def test_whole_number_key_stays_a_number():
    source = read_yaml("answers:\n  1: A lot\n  99: Refused\n", "study.yaml")

    assert list(source.data["answers"]) == [1, 99]
    assert source.lines == {"answers": 1, "answers.1": 2, "answers.99": 3}


def test_every_key_and_list_item_knows_its_line():
    source = read_yaml("arms:\n  few_shot:\n    match:\n      - INC\n      - EDU\n    model: mini\n", "study.yaml")

    assert source.lines["arms.few_shot.match.1"] == 5
    assert source.where("arms.few_shot.model") == "study.yaml:6 (arms.few_shot.model)"


def test_where_falls_back_to_the_nearest_key_above():
    source = read_yaml("a: 1\nquestions:\n  Q1: {scale: ordinal}\n", "study.yaml")

    assert source.where("questions.Q1.order") == "study.yaml:3 (questions.Q1.order)"
    assert source.where("budget") == "study.yaml (budget)"
    assert source.where() == "study.yaml"


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        pytest.param("a: 1\n\tb: 2\n", "study.yaml:2", "tab", id="tab"),
        pytest.param("a: b: c\n", "study.yaml:1", "quotes", id="colon-in-text"),
        pytest.param("a: [1\nb: 2\n", "study.yaml:2", "expected", id="unclosed-list"),
        pytest.param("a: 'x\n", "study.yaml:1", "end of stream", id="unclosed-quote"),
        pytest.param("a: 1\n---\nb: 1\n", "study.yaml:2", "second document", id="two-documents"),
        pytest.param("a: 1\nb: \x00\n", "study.yaml:2", "characters", id="control-character"),
        pytest.param("a: &x [1]\nb: *x\n", "study.yaml:1", "anchors", id="anchor"),
        pytest.param("a: 1\nb: *x\n", "study.yaml:2", "aliases", id="alias"),
        pytest.param("a: !!python/object:os.system x\n", "study.yaml:1", "tag", id="python-tag"),
        pytest.param("a: 1\nb: !!binary eA==\n", "study.yaml:2", "tag", id="binary"),
        pytest.param("a: 1\n<<: {b: 2}\n", "study.yaml:2", "neither text", id="merge-key"),
        pytest.param("%YAML 1.1\n---\na: NO\n", "study.yaml:1", "directives", id="old-yaml-by-directive"),
        pytest.param("a: 2024-13-01\n", "study.yaml:1", "reads like a date", id="impossible-date"),
        pytest.param("? [1, 2]\n: 3\n", "study.yaml:1", "key", id="list-as-key"),
        pytest.param("true: 3\n", "study.yaml:1", "quotes", id="truth-as-key"),
        pytest.param("", "study.yaml", "empty", id="empty"),
        pytest.param("# only a comment\n", "study.yaml", "empty", id="only-a-comment"),
        pytest.param("- a\n", "study.yaml:1", "mapping", id="list"),
        pytest.param("hello\n", "study.yaml:1", "mapping", id="text"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text, place, says):
    (problem,) = problems_of(text)

    assert problem.startswith(place)
    assert says in problem


def test_duplicate_keys_are_told_with_both_lines_all_at_once():
    found = problems_of("a: 1\nb: {c: 1, c: 2}\na: 3\n")

    assert len(found) == 2
    assert "study.yaml:2 (b.c)" in found[0]
    assert "study.yaml:3 (a)" in found[1]
    assert "first in line 1" in found[1]


def test_number_and_text_of_the_same_digits_are_one_key():
    (problem,) = problems_of('1: a\n"1": b\n')

    assert "twice" in problem


@pytest.mark.parametrize("bomb", ["[" * 50_000, "a: " + "{a: " * 5_000, "- " * 50_000])
def test_deep_nesting_is_refused_without_following_it(bomb):
    (problem,) = problems_of(bomb)

    assert "deeper than" in problem


def test_large_file_is_refused_unread():
    (problem,) = problems_of("#" * (MAX_BYTES + 1))

    assert "bytes" in problem


def test_broken_file_does_not_show_a_secret():
    found = problems_of("a: !!int sk-abcdefghijklmnopqrstuvwx\n")

    assert "sk-abc" not in found[0]
