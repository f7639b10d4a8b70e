"""Columns that a tuned model adds: its version, and whether it has seen a respondent."""

from collections.abc import Sequence

from schemas.models import Model
from schemas.run import RunManifest
from storage.store import Store
from storage.tuning_records import load_tuning_manifest


class TunedModels:
    """The tuned models of a run, by model id, those that were rolled back to included."""

    def __init__(self, store: Store, manifest: RunManifest, rolled_back_to: Sequence[Model] = ()) -> None:
        tuned = [model for model in [*manifest.models.values(), *rolled_back_to] if model.version is not None]
        self._versions = {model.model: model.version for model in tuned}
        self._seen: dict[str, frozenset[str]] = {}
        for model in tuned:
            if model.manifest is not None:
                kept = load_tuning_manifest(store, model.manifest)
                self._seen[model.model] = frozenset(kept.training_ids) | frozenset(kept.validation_ids)

    def versions(self, models: Sequence[str | None]) -> list[str | None]:
        """NAME@VERSION of each row's model; None for models that are not registered."""
        return [None if model is None else self._versions.get(model) for model in models]

    def in_sample(self, models: Sequence[str | None], respondents: Sequence[str]) -> list[bool]:
        """Whether each row's model has seen its respondent, in training or in validation."""
        if not self._seen:
            return [False] * len(models)
        nobody = frozenset[str]()
        seen = [nobody if model is None else self._seen.get(model, nobody) for model in models]
        return [who in ids for who, ids in zip(respondents, seen, strict=True)]
