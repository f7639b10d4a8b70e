"""A registered model with two versions on emulators of their own, and a study whose arm asks it by name."""

from datetime import UTC, datetime
from pathlib import Path

from schemas.models import Model
from schemas.tuning import ModelVersion, RegisteredModel, Registry
from storage.store import Store
from storage.tuning_records import change_registry
from tests.support.fleet import Fleet, study_of

GOOD, BAD = "gpt-4o", "gpt-4.1-mini"
"""Model ids of v1, which was live before, and of v2, which is live."""


def entry(version: str, model: str, url: str) -> Model:
    """What a run calls of a version."""
    served = {"name": version, "base_url": url, "auth": "none", "rpm": 1200}
    return Model.model_validate(
        {
            "provider": "openai", "model": model, "version": f"tuned@{version}", "deployments": [served],
            "parameters": {"temperature": 0, "max_completion_tokens": 64}, "price": {"input": 0.4, "output": 1.6},
        }
    )  # fmt: skip


def register(store: Store, urls: dict[str, str], *, previous: str | None = "v1") -> None:
    """Put `tuned` into the registry: v1 and v2, v2 in service."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    versions = [
        ModelVersion(
            version=name, state="live" if name == "v2" else "candidate", model=model, base=BAD, job=name,
            entry=entry(name, model, urls[name]), added_at=at,
        )
        for name, model in (("v1", GOOD), ("v2", BAD))
    ]  # fmt: skip
    model = RegisteredModel(versions=versions, previous=previous)
    change_registry(store, lambda _: Registry(models={"tuned": model}))


def study_of_versions(fleet: Fleet, *, on_failure: str = "pause", **options: object) -> Path:
    """Arm `basic` asks the registered model, `other` one of models.yaml at the fleet's emulator, `hybrid` either."""
    study = study_of(fleet, other_model=fleet.emulator.base_url, **options)
    text = study.read_text("utf-8").replace("{model: mini", "{model: tuned")
    route = '  hybrid: {route: [{when: "region == 1", arm: basic}, {arm: other}]}'
    text = text.replace("\nevaluate:", f"\n{route}\nevaluate:")
    study.write_text(f"{text}on_failure: {on_failure}\n", "utf-8")
    return study
