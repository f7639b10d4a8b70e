"""Checks of arms whose model takes prompts as one text: what only a conversation or structured output can do."""

from collections.abc import Iterator, Mapping

from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Arm, Study
from schemas.yaml_source import Source

_HINT = "Ask a chat model, or use basic, few_shot, logprobs, repeats or a template of one turn."


def completion_problems(study: Study, source: Source, models: Mapping[str, Model]) -> Iterator[Problem]:
    """What arms with `family: completion` cannot ask for.

    Args:
        study: with the ladder resolved.
        source: where it was written.
        models: of the models file; {} if it could not be read.
    """
    for name, arm in study.arms.items():
        model = models.get(str(arm.model))
        if model is not None and model.family == "completion":
            yield from _arm(name, arm, source)


def _arm(name: str, arm: Arm, source: Source) -> Iterator[Problem]:
    reasons = {
        "stages": (arm.stages > 1, "asks in several turns"),
        "memory": (arm.memory, "asks in several turns"),
        "strategy": (arm.strategy == "stated", "asks for a distribution as JSON"),
        "format": (arm.format == "json", "asks for structured output"),
    }
    for key, (holds, why) in reasons.items():
        if holds:
            what = f"`{key}: {_shown(arm, key)}` does not go with a completion model: the arm {name} {why}."
            yield Problem(what, source.where(f"arms.{name}.{key}"), _HINT, code="needs_chat")


def _shown(arm: Arm, key: str) -> str:
    value = getattr(arm, key)
    return str(value).lower() if isinstance(value, bool) else str(value)
