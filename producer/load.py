"""Study and models files from disk. The only place of the producer that reads them."""

from pathlib import Path
from typing import NamedTuple

from producer.experiments import crossed
from schemas.batteries import NameTakenError, expanded
from schemas.errors import Problem, StudyError
from schemas.models import MODELS_NOT_BUILT_YET, ModelsFile
from schemas.study import NOT_BUILT_YET, Study
from schemas.yaml_shape import nearest, validated
from schemas.yaml_source import Source, read_yaml
from storage.named_file import read_bounded

MODELS_FILE = "models.yaml"

_WHAT_MODELS_FILE = (
    "It says where the models are served: write one as in the README (`nightpoll init DIR` makes one), "
    "or name another file with NIGHTPOLL_MODELS."
)


class LoadedStudy(NamedTuple):
    """A study and the file it came from."""

    study: Study
    source: Source


class LoadedModels(NamedTuple):
    """All models of a models file and the file they came from."""

    models: ModelsFile
    source: Source


def load_study(path: Path) -> LoadedStudy:
    """The study of a file.

    Raises:
        StudyError: no such file, not text, not YAML, or not the shape of a study; every problem of the shape.
    """
    source = read_source(path)
    return LoadedStudy(study_of(source), source)


def load_models(study_path: Path, explicit: Path | None = None) -> LoadedModels:
    """The models file that serves a study.

    Args:
        study_path: the study; its folder is searched for models.yaml.
        explicit: the file named by the user (NIGHTPOLL_MODELS), which comes first.

    Raises:
        StudyError: likewise.
    """
    source = read_source(models_path(study_path, explicit))
    return LoadedModels(models_of(source), source)


def models_path(study_path: Path, explicit: Path | None) -> Path:
    """Where the models of a study are looked for."""
    return explicit if explicit is not None else study_path.parent / MODELS_FILE


def study_of(source: Source) -> Study:
    """The study in a source.

    Batteries are replaced by their items.

    Raises:
        StudyError: every problem of its shape.
    """
    study = validated(source, Study, NOT_BUILT_YET)
    try:
        return expanded(crossed(study, source))
    except NameTakenError as e:
        hint = "Leave the question out, or take the item out of the battery."
        where = source.where(f"questions.{e.battery}.items.{e.item}")
        raise StudyError([Problem(f"{e}.", where, hint, code="item_is_question")]) from e


def models_of(source: Source) -> ModelsFile:
    """The models in a source.

    Raises:
        StudyError: every problem of its shape.
    """
    return validated(source, ModelsFile, MODELS_NOT_BUILT_YET)


def read_source(path: Path) -> Source:
    """A YAML file as plain data with lines.

    Raises:
        StudyError: no such file, a folder, unreadable, not UTF-8, or not plain YAML.
    """
    return read_yaml(read_text(path), path.name)


def read_text(path: Path) -> str:
    """The text of a file the user named, with Unix line ends and no byte order mark.

    Raises:
        StudyError: no such file, a folder, unreadable or not UTF-8.
    """
    try:
        text = read_bounded(path).decode("utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError as e:
        hint = _nearby(path) or (_WHAT_MODELS_FILE if path.name == MODELS_FILE else "")
        raise StudyError("There is no such file.", where=str(path), hint=hint) from e
    except (IsADirectoryError, NotADirectoryError) as e:
        raise StudyError("This is a folder, not a file.", where=str(path), hint=_inside(path)) from e
    except UnicodeDecodeError as e:
        line = e.object.count(b"\n", 0, e.start) + 1
        hint = "Save the file as UTF-8."
        raise StudyError("The text is not UTF-8.", where=f"{path.name}:{line}", hint=hint) from e
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise StudyError(f"The file cannot be read: {reason}.", where=str(path)) from e


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder {folder} either."
    near = nearest(path.name, [entry.name for entry in folder.iterdir() if entry.is_file()])
    return f"Did you mean {folder / near}?" if near else ""


def _inside(path: Path) -> str:
    if not path.is_dir():
        return ""
    found = sorted(entry.name for entry in path.glob("*.yaml"))
    return f"Did you mean {path / found[0]}?" if found else ""
