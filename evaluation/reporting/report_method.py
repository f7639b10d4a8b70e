"""What the report says of how its figures came about: the run in a line, and the method in full."""

from importlib.metadata import version
from typing import Any

from evaluation.job import Evaluation
from evaluation.output import method_of
from evaluation.scoring import SplitScores, draws_of
from schemas.run import RunManifest
from schemas.study import Arm


def about(manifest: RunManifest, scores: SplitScores) -> str:
    """Study, people, questions, models and day, for the head of the page."""
    run = scores.run
    questions = dict.fromkeys(question for question, _ in [*run.cells, *run.numeric])
    models = dict.fromkeys(model.model for model in manifest.models.values())
    people = f"{len(run.respondent_ids):,} respondents" + ("" if manifest.pilot is None else " (a pilot)")
    parts = [manifest.study.study, people, _counted(len(questions), "question"), ", ".join(models)]
    return " · ".join(part for part in [*parts, f"asked on {manifest.created_at:%Y-%m-%d}"] if part)


def method(manifest: RunManifest, scores: SplitScores, evaluation: Evaluation) -> list[tuple[str, str]]:
    """Name and text of everything that whoever repeats the evaluation needs."""
    weight = manifest.study.survey.weight
    said: dict[str, Any] = {
        "run": manifest.run_id,
        "study": manifest.study.study,
        "asked on": f"{manifest.created_at:%Y-%m-%d %H:%M} UTC",
        "arms": {name: _arm(arm, manifest) for name, arm in manifest.study.arms.items()},
        "persona": manifest.study.persona.fields,
        "weight": "none: everyone counts once" if weight is None else weight,
        "field period": manifest.study.field_period or "not given",
        "hashes of inputs": manifest.hashes,
        "versions of the run": manifest.versions,
        **method_of(scores.run, draws_of(scores.run), evaluation.notes),
        "altair": version("altair"),
        "vl-convert": version("vl-convert-python"),
    }
    return [(name.replace("_", " "), _text(value)) for name, value in said.items()]


def _arm(arm: Arm, manifest: RunManifest) -> str:
    if arm.route is not None:
        return f"a route over {', '.join(dict.fromkeys(step.arm for step in arm.route))}"
    if arm.model is None:
        return "imported predictions"
    entry = manifest.models.get(arm.model)
    model = arm.model if entry is None else entry.model
    return f"{model}{'' if entry is None or entry.version is None else f' ({entry.version})'}, {arm.strategy}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return "; ".join(f"{k}: {_text(v)}" for k, v in value.items()) if value else "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) if value else "none"
    return str(value)
