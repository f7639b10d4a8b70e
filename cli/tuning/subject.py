"""Which model a training file is for: what its tokens are counted by, its window, its price; nothing is guessed."""

from pathlib import Path
from typing import NamedTuple

from producer.load import MODELS_FILE, models_of, read_source
from schemas.errors import UserInputError
from schemas.models import Model
from schemas.settings import Settings
from schemas.tuning import TuningManifest
from storage.runs import load_manifest
from storage.store import Store


class Subject(NamedTuple):
    """A model as far as a check needs it.

    Attributes:
        model: id, for counting tokens; "" if nobody said which.
        window_tokens: of one example; None: unknown.
        usd_per_million_tokens: of training; None: unknown.
        source: where it was found.
    """

    model: str
    window_tokens: int | None
    usd_per_million_tokens: float | None
    source: str


NOBODY = Subject("", None, None, "")


def subject_of(
    name: str | None, models: Path | None, settings: Settings, manifest: TuningManifest | None, asked: Model | None
) -> Subject:
    """The model that was named, else that of the run's arm, of the manifest beside the file, or the only one there is.

    Args:
        name: entry of the models file, or a model id.
        models: file named on the command line; else NIGHTPOLL_MODELS, else models.yaml here if there is one.
        settings: of the command.
        manifest: beside the training file.
        asked: model of the arm that the file is compared with.

    Raises:
        StudyError: the models file is wrong.
    """
    path = models if models is not None else settings.models if settings.models is not None else Path(MODELS_FILE)
    entries: dict[str, Model] = {}
    if models is not None or settings.models is not None or path.exists():
        entries = dict(models_of(read_source(path)).models)
    if name is not None:
        return _named(name, entries, path)
    if asked is not None:
        return _of(asked, "the run")
    if manifest is not None and manifest.model is not None:
        entry = entries.get(str(manifest.entry_name))
        if entry is not None and entry.model == manifest.model:
            return _of(entry, str(path))
        return Subject(manifest.model, manifest.window_tokens, None, "the manifest beside it")
    tuned = [entry for entry in entries.values() if entry.tuning is not None]
    likely = tuned if tuned else list(entries.values())
    return _of(likely[0], str(path)) if len(likely) == 1 else NOBODY


def arm_model(store: Store, run: str, arm: str) -> Model | None:
    """The model that an arm of a run asks.

    Raises:
        UserInputError: the run has no such arm.
    """
    manifest = load_manifest(store, run)
    found = manifest.study.arms.get(arm)
    if found is None:
        hint = f"Arms: {', '.join(manifest.study.arms)}."
        raise UserInputError(f"the run has no arm {arm!r}.", where="--arm", hint=hint)
    return manifest.models.get(str(found.model))


def _named(name: str, entries: dict[str, Model], path: Path) -> Subject:
    if name in entries:
        return _of(entries[name], str(path))
    same = [entry for entry in entries.values() if name in _ids(entry)]
    if not same:
        return Subject(name, None, None, "")
    windows = [entry.context_window_tokens for entry in same if entry.context_window_tokens is not None]
    window = min(windows) if windows else None
    return _of(same[0], str(path))._replace(model=name, window_tokens=window)


def _ids(entry: Model) -> tuple[str | None, ...]:
    return entry.model, None if entry.tuning is None else entry.tuning.base


def _of(entry: Model, source: str) -> Subject:
    base = None if entry.tuning is None else entry.tuning.base
    price = None if entry.tuning is None else entry.tuning.usd_per_million_tokens
    return Subject(base if base is not None else entry.model, entry.context_window_tokens, price, source)
