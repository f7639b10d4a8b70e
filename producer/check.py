"""Everything that can be known to be wrong before a call: study, models, survey, persona and arms in one pass."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from producer.checks.arms import arm_problems, training_problems
from producer.checks.batch import batch_problems
from producer.checks.closeness import relatives
from producer.checks.completion import completion_problems
from producer.checks.cutoff import cutoff_problems
from producer.checks.formats import format_problems
from producer.checks.identifiers import identifier_problems
from producer.checks.imported import import_problems
from producer.checks.languages import language_problems
from producer.checks.models import model_problems
from producer.checks.parameters import Settings, parameter_problems
from producer.checks.persona import coinciding_personas, persona_problems, rendering_problems
from producer.checks.privacy import privacy_problems
from producer.checks.prompts import prompt_problems
from producer.checks.questions import question_problems
from producer.checks.routes import route_problems
from producer.checks.secrets import secret_problems
from producer.checks.split import split_problems
from producer.checks.strategies import strategy_problems
from producer.load import models_of, models_path, read_source, study_of
from producer.prompting.ladder import ladder_notes, resolved
from schemas.errors import Problem, StudyError, SurveyFileError
from schemas.models import Model, ModelsFile, with_fallbacks
from schemas.secret_text import redacted
from schemas.study import Budget, Study
from schemas.yaml_source import Source
from survey.files import SurveyData
from survey.prepare import Prepared, prepare
from survey.study_survey import read_study_survey

_LEVELS = ("error", "warning", "note")


@dataclass(frozen=True)
class Checked:
    """A study with everything it refers to.

    Attributes:
        models: those that arms use, by name.
        data: the survey as read; None if it could not be.
        prepared: respondents, codebook and answers; None if they could not be made.
        problems: errors first, then warnings, then notes; errors stop, the others are only shown.
        folder: where the study stands; its paths are relative to it.
    """

    study: Study
    models: dict[str, Model]
    data: SurveyData | None
    prepared: Prepared | None
    problems: list[Problem]
    folder: Path = Path()

    @property
    def errors(self) -> list[Problem]:
        """Problems that stop."""
        return [problem for problem in self.problems if problem.level == "error"]

    def raise_if_wrong(self) -> None:
        """Go on only if nothing stops; then `data` and `prepared` are there.

        Raises:
            StudyError: with every error, not only the first.
        """
        if self.errors:
            raise StudyError(self.errors)


@dataclass
class _Files:
    """The study, the models and their sources; None where the file has no readable shape."""

    study: Study | None = None
    study_source: Source | None = None
    models: ModelsFile | None = None
    models_source: Source | None = None


def check(
    study_path: Path,
    models_path: Path | None = None,
    *,
    environ: Mapping[str, str],
    registered: Mapping[str, Model] | None = None,
    revise: Callable[[Study], Study] | None = None,
) -> Checked:
    """A study and all that is wrong with it, found without any call.

    Args:
        study_path: the study.
        models_path: models file named by the user; None for models.yaml beside the study.
        environ: environment variables; only whether keys are set is looked at.
        registered: registry name -> entry of its version in service; a name of the models file comes first.
        revise: what is made of the study as read, before anything of it is checked.

    Raises:
        StudyError: the study itself cannot be read; carries every problem of both files.
    """
    problems: list[Problem] = []
    files = _read(study_path, models_path, problems)
    if registered and files.models is not None:
        files.models = ModelsFile(models={**registered, **files.models.models})
    study, source = files.study, files.study_source
    if study is None or source is None:
        raise StudyError(_sorted(problems))
    study = study if revise is None else revise(study)
    offered = {} if files.models is None else files.models.models
    problems += ladder_notes(study, offered, source)
    study = resolved(study, offered)
    data = _survey(study, source, study_path.parent, problems)
    problems += _beside_answers(study, source, study_path.parent, data)
    prepared = _prepared(study, source, data, problems)
    if data is not None and prepared is not None:
        problems += _with_answers(study, source, study_path.parent, data, prepared)
    problems += _of_study(study, source, offered, prepared)
    models = _used(study, files.models)
    problems += cutoff_problems(study, source, models)
    if files.models_source is not None:
        problems += model_problems(models, files.models_source, environ, has_budget=study.budget != Budget())
        problems += _parameters(study, source, models, files.models_source)
    problems += batch_problems(study, source, models)
    known = None if files.models is None else files.models.models
    problems += arm_problems(study, source, known, None if data is None else list(data.variables))
    return Checked(study, models, data, prepared, _sorted(problems), study_path.parent)


def _read(study_path: Path, explicit: Path | None, problems: list[Problem]) -> _Files:
    files = _Files()
    files.study_source = _source(study_path, problems)
    if explicit is None and not study_path.is_file():
        return files  # a mistyped path says nothing about the models file that would lie beside it
    files.models_source = _source(models_path(study_path, explicit), problems)
    if files.study_source is not None:
        try:
            files.study = study_of(files.study_source)
        except StudyError as e:
            problems += e.problems
    if files.models_source is not None:
        try:
            files.models = models_of(files.models_source)
        except StudyError as e:
            problems += e.problems
    return files


def _source(path: Path, problems: list[Problem]) -> Source | None:
    try:
        source = read_source(path)
    except StudyError as e:
        problems += e.problems
        return None
    problems += secret_problems(source)
    return source


def _survey(study: Study, source: Source, folder: Path, problems: list[Problem]) -> SurveyData | None:
    named = study.survey.file if study.survey.file is not None else ", ".join(study.survey.files)
    where = source.where("survey.file" if study.survey.file is not None else "survey.files")
    try:
        data = read_study_survey(study, folder)
    except SurveyFileError as e:
        problems.append(Problem(f"the survey file {named} cannot be used: {e.what}", where, e.hint, code=e.code))
        return None
    problems += [Problem(warning, where, level="warning", code="survey_file") for warning in data.warnings]
    return data


def _beside_answers(study: Study, source: Source, folder: Path, data: SurveyData | None) -> Iterator[Problem]:
    variables = list(data.variables) if data is not None else None
    yield from persona_problems(study, source, folder, variables)
    yield from prompt_problems(study, source, folder)
    yield from question_problems(study, source, data)
    yield from import_problems(study, source, folder)


def _with_answers(
    study: Study, source: Source, folder: Path, data: SurveyData, prepared: Prepared
) -> Iterator[Problem]:
    """What only shows once personas and answers have been made of the survey."""
    yield from rendering_problems(study, folder, prepared)
    yield from training_problems(study, source, prepared)
    yield from coinciding_personas(study, source, prepared)
    yield from identifier_problems(study, source, prepared)
    yield from privacy_problems(study, source, prepared)
    yield from language_problems(study, source, prepared, folder)
    yield from relatives(study, source, prepared, data.variables)


def _of_study(
    study: Study, source: Source, offered: Mapping[str, Model], prepared: Prepared | None
) -> Iterator[Problem]:
    """Arms, strategies and split against the models on offer and, where it could be made, the codebook."""
    codebook = None if prepared is None else prepared.codebook.questions
    yield from route_problems(study, source)
    yield from strategy_problems(study, source, offered, codebook)
    yield from format_problems(study, source, offered, codebook)
    yield from completion_problems(study, source, offered)
    yield from split_problems(study, source)


def _prepared(study: Study, source: Source, data: SurveyData | None, problems: list[Problem]) -> Prepared | None:
    if data is None:
        return None
    try:
        prepared = prepare(study, data)
    except StudyError as e:
        problems += [_placed(problem, source) for problem in e.problems if not _told_by_item(problem)]
        return None
    problems += [_placed(problem, source) for problem in prepared.notes]
    return prepared


def _told_by_item(problem: Problem) -> bool:
    """An unknown name in a list: the checks of persona and arms tell it with the line of the very item."""
    in_list = problem.where == "persona.fields" or problem.where.endswith(".match")
    return problem.code == "unknown_variable" and in_list


def _placed(problem: Problem, source: Source) -> Problem:
    """A problem that names a dotted key of the study, with file and line."""
    head = problem.where.partition(".")[0]
    return replace(problem, where=source.where(problem.where)) if head in Study.model_fields else problem


def _used(study: Study, models: ModelsFile | None) -> dict[str, Model]:
    if models is None:
        return {}
    asked = {arm.model for arm in study.arms.values()}
    return with_fallbacks(models.models, asked)


def _parameters(study: Study, source: Source, models: Mapping[str, Model], models_source: Source) -> Iterator[Problem]:
    for name, arm in study.arms.items():
        if arm.model is not None and arm.model in models:
            yield from parameter_problems(Settings(name, arm, models[arm.model], source, models_source))


def _sorted(problems: list[Problem]) -> list[Problem]:
    """Errors first, each problem once, otherwise in the order found. No check's words get a key past here."""
    safe = [replace(p, what=redacted(p.what), where=redacted(p.where), hint=redacted(p.hint)) for p in problems]
    return sorted(dict.fromkeys(safe), key=lambda problem: _LEVELS.index(problem.level))
