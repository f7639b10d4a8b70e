"""Checks of the persona: fields, phrases, template, questions given away, personas that coincide."""

from collections.abc import Collection, Iterator
from pathlib import Path

from producer.load import read_text
from producer.prompting.personas import PersonaTemplate, compile_template
from schemas.codebook import CodedVariable
from schemas.errors import Problem, StudyError
from schemas.study import Study
from schemas.yaml_shape import did_you_mean
from schemas.yaml_source import Source
from survey.prepare import Prepared

MAX_COMBINATIONS = 20_000
"""Combinations of codes a template line is tried with: a free text may have as many as there are respondents."""


def persona_problems(
    study: Study, source: Source, folder: Path, variables: Collection[str] | None
) -> Iterator[Problem]:
    """What is wrong with the persona, without looking at respondents.

    Args:
        study: as read.
        source: where it was written.
        folder: where the study stands; the template's path is relative to it.
        variables: names of the survey's variables; None if it could not be read.
    """
    yield from _fields(study, source, variables)
    for key, file in template_files(study).items():
        yield from _template(study, source, folder, key, file)
    yield from _given_away(study, source)


def rendering_problems(study: Study, folder: Path, prepared: Prepared) -> Iterator[Problem]:
    """Template lines that cannot be filled with the values some respondent has; each line is told once."""
    fields = {name: prepared.codebook.fields[name] for name in study.persona.fields}
    for file in template_files(study).values():
        try:
            template = compile_template(read_text(folder / file), fields, study.persona.phrases, where=file)
        except StudyError:
            continue  # `persona_problems` tells
        yield from _unfilled(template, prepared)


def template_files(study: Study) -> dict[str, str]:
    """Dotted key -> persona template."""
    own = {} if study.persona.template is None else {"persona.template": study.persona.template}
    return own | {f"persona.templates.{name}": file for name, file in study.persona.templates.items()}


def _unfilled(template: PersonaTemplate, prepared: Prepared) -> Iterator[Problem]:
    for line in template.lines:
        used = [template.fields[position] for position in line.fields]
        seen = prepared.respondents[used].dropna().drop_duplicates().head(MAX_COMBINATIONS)
        for codes in seen.itertuples(index=False, name=None):
            try:
                line.write(tuple(int(code) for code in codes))
            except StudyError as e:
                yield from e.problems
                break


def coinciding_personas(study: Study, source: Source, prepared: Prepared) -> Iterator[Problem]:
    """A note with how many respondents have the persona of somebody else, a warning with how many have none."""
    known = prepared.respondents[study.persona.fields]
    where, n_all = source.where("persona.fields"), len(known)
    n_alike = int(known.duplicated(keep=False).sum())
    if n_alike:
        what = (
            f"{n_alike:,} of {n_all:,} respondents have the same persona as somebody else: "
            "at temperature 0 they share one request and one answer."
        )
        yield Problem(what, where, level="note", code="personas_coincide")
    n_empty = int(known.isna().all(axis=1).sum())
    if n_empty:
        what = f"{n_empty:,} of {n_all:,} respondents have no persona: every field is unanswered."
        yield Problem(what, where, level="warning", code="persona_empty")


def _fields(study: Study, source: Source, variables: Collection[str] | None) -> Iterator[Problem]:
    fields, derived = study.persona.fields, study.persona.derive
    for n, name in enumerate(fields):
        where = source.where(f"persona.fields.{n}")
        if name in fields[:n]:
            yield Problem(f"the field {name} is listed twice.", where, code="duplicate_field")
        elif variables is not None and name not in derived and name not in variables:
            what = f"the persona field {name} is neither a variable of the survey nor derived."
            hint = did_you_mean(name, [*variables, *derived])
            yield Problem(what, where, hint, code="unknown_variable")
    for name in derived:
        if variables is not None and name in variables:
            what = f"the derived field {name} has the name of a variable of the survey."
            yield Problem(what, source.where(f"persona.derive.{name}"), "Choose another name.", code="name_taken")


def _template(study: Study, source: Source, folder: Path, key: str, template: str) -> Iterator[Problem]:
    try:
        text = read_text(folder / template)
    except StudyError as e:
        what = f"the template {template} cannot be used: {e.what}"
        yield Problem(what, source.where(key), e.hint, code="template_file")
        return
    fields = {name: CodedVariable(name=name) for name in study.persona.fields}
    try:
        compiled = compile_template(text, fields, study.persona.phrases, where=template)
    except StudyError as e:
        yield from e.problems
        return
    told = {compiled.fields[position] for line in compiled.lines for position in line.fields}
    untold = [name for name in study.persona.fields if name not in told]
    if untold and key == "persona.template":  # further templates tell less on purpose
        what = f"no line of {template} uses {', '.join(untold)}: the model is not told."
        yield Problem(what, source.where(key), level="warning", code="field_not_in_template")


def _given_away(study: Study, source: Source) -> Iterator[Problem]:
    for n, name in enumerate(study.persona.fields):
        made_from = _sources(study, name)
        for question in study.questions:
            if question in made_from:
                what = f"the persona tells the model the real answer to {question}."
                hint = "Take the field out, or the question."
                where = source.where(f"persona.fields.{n}")
                yield Problem(what, where, hint, "warning", "question_in_persona")


def _sources(study: Study, name: str) -> set[str]:
    derive = study.persona.derive.get(name)
    if derive is None:
        return {name}
    return set(derive.sources)
