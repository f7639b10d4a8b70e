"""Interviews in the respondent's language."""

import pytest

from producer.check import check
from producer.prompting.prompt_preview import preview
from tests.support.small_study import STUDY, write_study

SPANISH = """\
languages:
  by: LANG
  of:
    2:
      template: es.j2
      phrases: {SEX: {1: un hombre, 2: una mujer}}
      questions:
        MOOD: {text: "¿Cómo está usted?", answers: {1: Bien, 2: Así así, 3: Mal}}
        NEWS: {text: "¿Lee las noticias?", answers: {1: Sí, 2: No}}
      system: "Responda como esta persona."
      instructions: {basic: "Responda solo con el número.", few_shot: "Responda solo con el número.",
                     chain_of_thought: "Piense. Última línea ANSWER: <número>"}
"""
TEMPLATE = "Usted tiene {{ AGE }} años.\nUsted es {{ SEX }}.\n"


def written(folder, languages=SPANISH, study=STUDY):
    path = write_study(folder, study=study + languages, change=lambda row: row | {"LANG": 1 + row["ID"] % 2})
    (folder / "es.j2").write_text(TEMPLATE, encoding="utf-8")
    return path


def asked(checked, respondent, arm="basic"):
    return [m["content"] for m in preview(checked, respondent_id=respondent, question_id="MOOD", arm=arm).messages]


def problems(folder, **parts):
    return [p for p in check(written(folder, **parts), None, environ={}).problems if p.level != "note"]


def test_respondent_is_told_and_asked_in_their_language(tmp_path):
    checked = check(written(tmp_path), None, environ={})

    assert asked(checked, "101") == [
        "Responda como esta persona.",
        "Usted tiene 21 años.\nUsted es una mujer.\n\n"
        "Question: ¿Cómo está usted?\n1. Bien\n2. Así así\n3. Mal\nResponda solo con el número.",
    ]
    assert "How are you?" in asked(checked, "100")[1]
    assert "una mujer" not in asked(checked, "100")[1]


def test_examples_of_a_spanish_interview_are_spanish(tmp_path):
    _, *messages = asked(check(written(tmp_path), None, environ={}), "101", arm="few_shot")

    assert all("Usted tiene" in text for text in messages[::2])
    assert all("How are you?" not in text for text in messages)


def test_complete_translation_is_no_problem(tmp_path):
    assert problems(tmp_path) == []


def test_language_may_be_named_by_its_label(tmp_path):
    languages = SPANISH.replace("    2:\n", "    spanish:\n")
    path = write_study(
        tmp_path, study=STUDY + languages, change=lambda row: row | {"LANG": ("English", "Spanish")[row["ID"] % 2]}
    )
    (tmp_path / "es.j2").write_text(TEMPLATE, encoding="utf-8")

    assert "¿Cómo está usted?" in asked(check(path, None, environ={}), "101")[1]


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("    2:\n", "    7:\n", "unknown_language", "7 is no language that LANG has"),
        ("by: LANG", "by: LANGG", "unknown_variable", "LANGG"),
        ("MOOD: {text", "MOOOD: {text", "invalid", "MOOOD is no question"),
        ("3: Mal}", "3: Mal, 4: Peor}", "unknown_answer", "MOOD has no answer 4"),
        (", 3: Mal}", "}", "translation_incomplete", "no translation of 3"),
        ("phrases: {SEX:", "phrases: {SEXX:", "invalid", "SEXX is no field"),
        ("{basic: ", "{bsic: ", "invalid", "bsic is no strategy"),
        ("template: es.j2", "template: none.j2", "invalid", "no such file"),
        ('      system: "Responda como esta persona."\n', "", "instruction_not_translated", "keeps its opening"),
    ],
)
def test_translation_that_does_not_fit_is_told(tmp_path, old, new, code, says):
    found = problems(tmp_path, languages=SPANISH.replace(old, new, 1))

    assert any(p.code == code and says in p.what for p in found), [str(p) for p in found]


def test_labels_cannot_be_read_in_several_languages(tmp_path):
    study = STUDY.replace("strategy: basic}", "strategy: basic, format: label}")

    assert "label_in_languages" in [p.code for p in problems(tmp_path, study=study)]


def test_group_with_memory_is_asked_in_one_language(tmp_path):
    study = STUDY.replace("strategy: basic}", "strategy: basic, memory: true}") + "groups: {both: [NEWS, MOOD]}\n"

    found = preview(
        check(written(tmp_path, study=study), None, environ={}), respondent_id="101", question_id="MOOD", arm="basic"
    )

    texts = [m["content"] for turn in [found.messages, *found.later] for m in turn]
    assert any("¿Lee las noticias?" in text for text in texts)
    assert any("¿Cómo está usted?" in text for text in texts)
    assert not any("How are you?" in text for text in texts)
