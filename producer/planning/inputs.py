"""Everything a plan is a function of, read and compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from producer.imports import Imported, read_import
from producer.load import read_text
from producer.prompting.languages import language_templates
from producer.prompting.personas import PersonaTemplate, compile_template
from producer.prompting.prompt_file import PromptFile, compile_prompt
from schemas.codebook import CodedVariable
from schemas.errors import Problem, StudyError
from schemas.identity import bytes_digest, canonical_json
from schemas.models import Model, with_fallbacks
from schemas.study import Arm, Study
from survey.prepared import Prepared


@dataclass(frozen=True)
class PlanInputs:
    """Inputs of a plan.

    Attributes:
        models: those that an arm of the study names.
        imports: by arm.
        templates: further persona templates, by name.
        prompts: prompts of the user's own, by file.
        languages: persona template of each further language, by its code.
    """

    study: Study
    models: Mapping[str, Model]
    prepared: Prepared
    survey_sha256: str
    template: PersonaTemplate
    imports: Mapping[str, Imported] = field(default_factory=dict)
    templates: Mapping[str, PersonaTemplate] = field(default_factory=dict)
    prompts: Mapping[str, PromptFile] = field(default_factory=dict)
    languages: Mapping[int, PersonaTemplate] = field(default_factory=dict)

    def template_of(self, arm: Arm, language: int | None = None) -> PersonaTemplate:
        """The persona template that an arm takes; in a language, unless the arm has one of its own."""
        if language is not None and arm.persona is None:
            return self.languages[language]
        return self.template if arm.persona is None else self.templates[arm.persona]

    def texts(self) -> dict[str, dict[str, str]]:
        """Texts of further templates and prompts, for run.json; without those that the study does not have."""
        found = {
            "persona_templates": {name: template.text for name, template in self.templates.items()},
            "prompts": {name: prompt.text for name, prompt in self.prompts.items()},
            "languages": {str(code): template.text for code, template in self.languages.items()},
        }
        return {name: texts for name, texts in found.items() if texts}

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each input; the study's covers its persona template."""
        study = self.study.model_dump(mode="json", by_alias=True)
        models = {name: model.model_dump(mode="json") for name, model in self.models.items()}
        found = {
            "survey": self.survey_sha256,
            "study": _digest({"study": study, "template": self.template.text, **self.texts()}),
            "models": _digest(models),
        }
        return found | {f"import:{arm}": imported.sha256 for arm, imported in self.imports.items()}


def load_inputs(
    study: Study, models: Mapping[str, Model], prepared: Prepared, *, survey_sha256: str, folder: Path
) -> PlanInputs:
    """Inputs of a plan, with the persona template and the imported predictions read.

    Args:
        study: as checked.
        models: at least those that its arms name.
        prepared: the survey as the study sees it.
        survey_sha256: of the survey file.
        folder: of the study file; the study's paths are relative to it.

    Raises:
        StudyError: a file is missing or wrong; every problem found.
    """
    problems: list[Problem] = []
    imports: dict[str, Imported] = {}
    for name, arm in study.arms.items():
        if arm.imported is None:
            continue
        try:
            imports[name] = read_import(
                folder / arm.imported,
                id_column=study.survey.respondent_id,
                questions=arm.questions if arm.questions is not None else list(study.questions),
                suffix=arm.suffix,
                required=arm.questions is not None,
            )
        except StudyError as e:
            problems += e.problems
    try:
        template = load_template(study.persona.template, study, prepared.codebook.fields, folder)
        templates = {
            name: load_template(file, study, prepared.codebook.fields, folder)
            for name, file in study.persona.templates.items()
        }
        languages = language_templates(study, prepared, folder)
        files = dict.fromkeys(arm.prompt for arm in study.arms.values() if arm.prompt is not None)
        prompts = {file: compile_prompt(read_text(folder / file), where=file) for file in files}
    except StudyError as e:
        raise StudyError([*problems, *e.problems]) from e
    if problems:
        raise StudyError(problems)
    used = {arm.model for arm in study.arms.values()}
    named = with_fallbacks(models, used)
    return PlanInputs(study, named, prepared, survey_sha256, template, imports, templates, prompts, languages)


def load_template(file: str | None, study: Study, fields: Mapping[str, CodedVariable], folder: Path) -> PersonaTemplate:
    """A persona template, or the default one without a file, compiled for the study's fields.

    Raises:
        StudyError: the file is missing or a line of it is wrong.
    """
    persona = study.persona
    mine = {name: fields[name] for name in persona.fields}
    if file is None:
        return compile_template(None, mine, persona.phrases)
    return compile_template(read_text(folder / file), mine, persona.phrases, where=file)


def _digest(value: object) -> str:
    return bytes_digest(canonical_json(value).encode())
