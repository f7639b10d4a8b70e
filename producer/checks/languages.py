"""Checks of translations: that they belong to questions, fields and codes there are, and reach every arm."""

from collections.abc import Iterator
from pathlib import Path

from producer.prompting.languages import by_code, language_templates
from producer.prompting.strategies import STRATEGIES
from schemas.errors import Problem, StudyError
from schemas.languages import Language
from schemas.study import Study
from schemas.yaml_shape import did_you_mean
from schemas.yaml_source import Source
from survey.prepare import Prepared


def language_problems(study: Study, source: Source, prepared: Prepared, folder: Path) -> Iterator[Problem]:
    """What is wrong with the study's languages, and what they leave in the study's own."""
    if study.languages is None:
        return
    variable = prepared.codebook.fields[study.languages.by]
    known = by_code(study.languages, prepared)
    for key, language in study.languages.of.items():
        where = f"languages.of.{key}"
        if not any(language is one for one in known.values()):
            labels = ", ".join(f"{code} '{label}'" for code, label in variable.labels.items())
            what = f"{key} is no language that {variable.name} has."
            yield Problem(what, source.where(where), f"It has: {labels}." if labels else "", code="unknown_language")
        yield from _translations(where, language, source, prepared)
        yield from _fields(where, language, source, study)
    yield from _arms(study, source)
    try:
        language_templates(study, prepared, folder)
    except StudyError as e:
        yield from e.problems


def _translations(where: str, language: Language, source: Source, prepared: Prepared) -> Iterator[Problem]:
    questions = prepared.codebook.questions
    for name, given in language.questions.items():
        place = source.where(f"{where}.questions.{name}")
        if name not in questions:
            yield Problem(f"{name} is no question of the study.", place, did_you_mean(name, list(questions)))
            continue
        codes = questions[name].codes
        strangers = [code for code in given.answers if code not in codes]
        if strangers:
            what = f"{name} has no answer {', '.join(map(str, strangers))}."
            yield Problem(what, place, f"Its answers are {', '.join(map(str, codes))}.", code="unknown_answer")
        left = [code for code in codes if code not in given.answers]
        if left and given.answers:
            what = f"{name}: no translation of {', '.join(map(str, left))}."
            yield Problem(what, place, level="warning", code="translation_incomplete")
    absent = [name for name in questions if name not in language.questions]
    if absent:
        what = f"not translated, asked in the study's own words: {', '.join(absent)}."
        yield Problem(what, source.where(where), level="warning", code="translation_absent")


def _fields(where: str, language: Language, source: Source, study: Study) -> Iterator[Problem]:
    for key, names in (("fields", language.fields), ("phrases", language.phrases)):
        for name in names:
            if name not in study.persona.fields:
                hint = did_you_mean(name, study.persona.fields)
                yield Problem(f"{name} is no field of the persona.", source.where(f"{where}.{key}.{name}"), hint)
    for name in language.instructions:
        if name not in STRATEGIES:
            place = source.where(f"{where}.instructions.{name}")
            yield Problem(f"{name} is no strategy.", place, did_you_mean(name, list(STRATEGIES)))


def _arms(study: Study, source: Source) -> Iterator[Problem]:
    languages = study.languages.of.values() if study.languages is not None else []
    for name, arm in study.arms.items():
        where = source.where(f"arms.{name}")
        if arm.format == "label":
            what = f"the arm {name} is answered with labels, which are read in one language only."
            yield Problem(what, where, "Use `format: number` or `json`.", code="label_in_languages")
        if arm.strategy is None:
            continue
        if any(arm.strategy not in one.instructions or one.system is None for one in languages):
            what = f"the arm {name} keeps its opening message or instruction in the study's language."
            hint = f"Give `system` and `instructions: {{{arm.strategy}: ...}}` in each language."
            yield Problem(what, where, hint, "warning", "instruction_not_translated")
