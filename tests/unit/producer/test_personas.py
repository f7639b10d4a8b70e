import pytest

from producer.prompting.personas import compile_template
from schemas.codebook import CodedVariable
from schemas.errors import StudyError

AGE = CodedVariable(name="AGE", text="Your age", kind="numeric", labels={98: "98+"})
METRO = CodedVariable(name="METRO", text="Metro area?", codes=[1, 2], labels={1: "Metropolitan", 2: "Rural"})
GENDER = CodedVariable(name="GENDER", text="", codes=[1, 2], labels={1: "A man", 2: "A woman"})
FIELDS = {"AGE": AGE, "METRO": METRO, "GENDER": GENDER}
PHRASES = {"GENDER": {1: "man"}}


def render(text, *codes, phrases=PHRASES):
    return compile_template(text, FIELDS, phrases).render(codes)


def test_number_reads_without_decimals():
    assert render("You are {{ AGE }} years old.", 41, None, None) == "You are 41 years old."


def test_labelled_number_reads_as_its_label():
    assert render("You are {{ AGE }} years old.", 98, None, None) == "You are 98+ years old."


def test_phrase_comes_before_label_and_label_before_number():
    assert render("{{ GENDER }}", None, None, 1) == "man"
    assert render("{{ GENDER }}", None, None, 2) == "A woman"
    assert render("{{ GENDER }}", None, None, 7) == "7"


def test_empty_phrase_is_kept_as_written():
    assert render("A {{ GENDER }}person.", None, None, 2, phrases={"GENDER": {2: ""}}) == "A person."


def test_line_is_dropped_when_any_of_its_fields_is_unanswered():
    text = "You are {{ AGE }}, living in a {{ METRO }} area.\nYou are a {{ GENDER }}."

    assert render(text, 41, None, 1) == "You are a man."


def test_line_is_dropped_when_a_field_in_its_condition_is_unanswered():
    assert render("{% if METRO == 'Rural' %}Rural, {% endif %}{{ AGE }}", 41, None, None) == ""


def test_code_zero_counts_as_answered():
    assert render("{{ AGE }}", 0, None, None) == "0"


def test_line_without_fields_always_stays_and_blank_lines_go():
    assert render("You live in the USA.\n\n{{ AGE }}", None, None, None) == "You live in the USA."


def test_line_breaks_inside_a_label_become_spaces():
    broken = CodedVariable(name="X", codes=[1], labels={1: "a\nQuestion: b"})

    assert compile_template("{{ X }}.", {"X": broken}, {}).render((1,)) == "a Question: b."


def test_default_template_says_label_and_value_per_field():
    assert render(None, 41, 1, 2) == "Your age: 41\nMetro area? Metropolitan\nGENDER: A woman"


def test_every_unknown_field_is_told_with_its_line_and_the_nearest_name():
    with pytest.raises(StudyError) as error:
        compile_template("{{ AGE }}\n{{ METR }}\n{{ QQ }}", FIELDS, {}, where="p.j2")

    assert [problem.where for problem in error.value.problems] == ["p.j2:2", "p.j2:3"]
    assert error.value.problems[0].hint == "Did you mean METRO?"


@pytest.mark.parametrize("line", ["{% if AGE %}", "{{ AGE", "{{ range(3) }}", "{{ AGE|nosuch }}"])
def test_line_that_is_no_sentence_of_its_own_is_an_error(line):
    with pytest.raises(StudyError):
        compile_template(line, FIELDS, {})


def test_template_that_reaches_for_internals_fails_without_telling_values():
    with pytest.raises(StudyError) as error:
        render("{{ AGE.__class__.__mro__ }}", 41, None, None)

    assert "41" not in str(error.value)


def test_line_that_cannot_be_filled_is_told_by_line_and_kind():
    with pytest.raises(StudyError, match="TypeError"):
        render("{{ AGE + 1 }}", 41, None, None)
