"""Two arms that ask two models the very same: a study cut down to a comparison of models."""

import re

from schemas.errors import UserInputError
from schemas.study import Arm, Study

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 50
_OF_BATCHES = frozenset({"transport", "deadline", "retry", "rescue"})
"""Both are asked online, and such keys would have no effect."""


def arm_name(model: str) -> str:
    """An arm's name made of a model's: what cannot stand in one becomes a hyphen."""
    return _NO_NAME.sub("-", model).strip("-_")[:_LONGEST_NAME] or "model"


def twin_arms(study: Study, first: str, second: str, like: str | None) -> tuple[str, str]:
    """Names of the two arms.

    Raises:
        UserInputError: the models are one, or the study has no arm to ask like, or holds nobody out.
    """
    if first == second:
        raise UserInputError(f"{first} cannot be compared with itself.", hint="Name two models, or NAME@VERSION.")
    if not study.split.test:
        hint = "Set `split: {test: 0.2}`: models are compared on people that neither was tuned on."
        raise UserInputError("the study holds no respondent out.", where="split.test", hint=hint)
    _pattern(study, like)
    one, other = arm_name(first), arm_name(second)
    return (one, other) if one != other else (one[: _LONGEST_NAME - 2], f"{other[: _LONGEST_NAME - 2]}-2")


def with_twin_arms(study: Study, first: str, second: str, like: str | None) -> Study:
    """The study with two arms only, which differ in nothing but their model and ask the test respondents.

    Args:
        study: with the arm whose prompts are asked.
        first: name of a model.
        second: of another one.
        like: arm whose strategy and parameters both take; None: the first one that asks a model.

    Raises:
        UserInputError: as `twin_arms`.
    """
    names = twin_arms(study, first, second, like)
    said = _pattern(study, like).model_dump(by_alias=True, exclude_unset=True)
    pattern = Arm.model_validate({k: v for k, v in said.items() if k not in _OF_BATCHES} | {"respondents": "test"})
    arms = {
        name: pattern.model_copy(update={"model": model}) for name, model in zip(names, (first, second), strict=True)
    }
    evaluate = study.evaluate.model_copy(update={"extra_cost_usd": {}})
    pausing = study.on_failure.model_copy(update={"then": "pause"})  # another version's answers would compare nothing
    changes = {"arms": arms, "experiment": None, "evaluate": evaluate, "on_failure": pausing}
    return study.model_copy(update=changes)


def _pattern(study: Study, like: str | None) -> Arm:
    asking = {name: arm for name, arm in study.arms.items() if arm.model is not None}
    if like is None and asking:
        return next(iter(asking.values()))
    if like is None or like not in asking:
        named = "no arm" if like is None else f"no arm {like!r}"
        raise UserInputError(
            f"the study has {named} that asks a model.",
            where="--like",
            hint=f"Such arms: {', '.join(asking) or 'none'}.",
        )
    return asking[like]
