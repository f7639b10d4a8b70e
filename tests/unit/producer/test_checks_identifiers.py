"""Persona fields that say who somebody is are refused by name and by content; questions about such things are not."""

import csv
from collections.abc import Callable

import pytest

from producer.check import check
from tests.support.small_study import MODELS

N = 120
FIRST = ["Ann", "Bob", "Cy", "Dee", "Ed", "Flo", "Gus", "Hal", "Ida", "Jo", "Kai", "Lea"]


def study(folder, field: str, value: Callable[[int], object], *, more: str = "", label: str = "") -> list:
    """Problems of a study whose persona tells age and this field."""
    folder.mkdir(exist_ok=True)
    with (folder / "s.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ID", "AGE", field, "MOOD"])
        writer.writerows([i, 20 + i % 50, value(i), 1 + i % 3] for i in range(N))
    question = 'MOOD: {text: "How are you?", answers: {1: Well, 2: So so, 3: Badly}}'
    (folder / "study.yaml").write_text(
        f"study: s\nsurvey: {{file: s.csv, respondent_id: ID}}\npersona:\n  fields: [AGE, {field}]\n"
        f"questions:\n  {question}\narms:\n  basic: {{model: mini, strategy: basic}}\n{more}",
        encoding="utf-8",
    )
    (folder / "models.yaml").write_text(MODELS)
    return check(folder / "study.yaml", None, environ={}).problems


def identifiers(problems: list) -> list[str]:
    return [p.what for p in problems if p.code == "direct_identifier"]


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        pytest.param("Q7", lambda i: f"{FIRST[i % 12].lower()}{i}@example.org", "e-mail", id="e-mail in a plain field"),
        pytest.param("Q7", lambda i: "no" if i % 30 else f"I am ann{i}@x.org", "e-mail", id="e-mail now and then"),
        pytest.param("Q7", lambda i: f"+1 202 555 {1000 + i}", "phone", id="phone, American"),
        pytest.param("Q7", lambda i: f"(030) 1234-{500 + i}", "phone", id="phone, German"),
        pytest.param("Q7", lambda i: f"{i + 1} Main Street", "an address", id="street, American"),
        pytest.param("Q7", lambda i: f"Lindenstraße {i + 1}", "an address", id="street, German"),
        pytest.param("Q7", lambda i: f"well I think that number {i} is it", "free text", id="free text"),
        pytest.param("Q7", lambda i: f"{FIRST[i % 12]}{i}", "of each respondent's own", id="words of their own"),
        pytest.param("Q7", lambda i: 7_000_000 + 13 * i, "number of each respondent", id="numbers of their own"),
        pytest.param("FIRSTNAME", lambda i: FIRST[i % 12], "a name", id="first name, often the same"),
        pytest.param("Name", lambda i: FIRST[i % 12], "a name", id="name"),
        pytest.param("last_name", lambda i: FIRST[i % 12], "a name", id="last name"),
        pytest.param("姓名", lambda i: FIRST[i % 12], "a name", id="name, Chinese"),
        pytest.param("STREET", lambda i: FIRST[i % 12], "an address", id="street by name"),
        pytest.param("date_of_birth", lambda i: f"19{50 + i % 40}-03-{1 + i % 28:02d}", "date of birth", id="birthday"),
        pytest.param("ssn", lambda i: f"x{i % 40}", "number of a person", id="ssn by name"),
    ],
)  # fmt: skip
def test_identifier_is_refused_with_place_and_way_out(tmp_path, field, value, kind):
    problems = study(tmp_path / "s", field, value)

    (found,) = [p for p in problems if p.code == "direct_identifier"]
    assert kind in found.what
    assert found.where == "study.yaml:4 (persona.fields.1)"
    assert f"privacy: {{allow: [{field}]}}" in found.hint
    assert found.level == "error"
    told = study(tmp_path / "allowed", field, value, more=f"privacy: {{allow: [{field}]}}\n")
    assert identifiers(told) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("CELLPHONE", lambda i: 1 + i % 2, id="has a phone"),
        pytest.param("EMAIL", lambda i: 1 + i % 2, id="uses e-mail"),
        pytest.param("PHONE", lambda i: i % 5, id="number of phones"),
        pytest.param("STATE", lambda i: ["Ohio", "Iowa", "Utah", "Maine"][i % 4], id="state"),
        pytest.param("OCCUPATION", lambda i: f"{FIRST[i % 12]} maker and repairer", id="words of a list"),
        pytest.param("INCOME", lambda i: 1000 + 37 * i, id="income, of their own"),
        pytest.param("INTERVIEWED", lambda i: f"2024-03-{1 + i % 28:02d}", id="date of the interview"),
        pytest.param("YEARBORN", lambda i: 1940 + i % 60, id="year of birth"),
        pytest.param("TEAMNAME", lambda i: FIRST[i % 12], id="name of a team"),
        pytest.param("TIMES", lambda i: ["1-2 times", "3-5 times", "6-10 times"][i % 3], id="ranges"),
    ],
)
def test_question_about_such_things_is_no_identifier(tmp_path, field, value):
    assert identifiers(study(tmp_path / "s", field, value)) == []


def test_respondent_id_in_the_persona_is_an_identifier(tmp_path):
    study(tmp_path / "s", "REGION", lambda i: i % 4)
    path = tmp_path / "s" / "study.yaml"
    path.write_text(path.read_text().replace("[AGE, REGION]", "[AGE, ID]"))

    (found,) = identifiers(check(path, None, environ={}).problems)
    assert "the respondent's id" in found


def test_allowing_what_is_no_field_is_told(tmp_path):
    problems = study(tmp_path / "s", "REGION", lambda i: i % 4, more="privacy: {allow: [REGOIN]}\n")

    assert [p.where for p in problems if p.code == "unknown_field"] == ["study.yaml:9 (privacy.allow.0)"]


def test_value_of_a_respondent_is_never_in_the_message(tmp_path):
    problems = study(tmp_path / "s", "Q7", lambda i: f"secret{i}@example.org")

    assert all("secret" not in f"{p.what}{p.hint}" for p in problems)
