"""Checks of arms: models, questions, match variables, training respondents for examples."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Arm, Study
from schemas.yaml_shape import did_you_mean
from schemas.yaml_source import Source
from survey.prepare import Prepared
from survey.split import splits_for

RESERVED_NAMES = frozenset({"human"})
"""Names that the evaluation gives to rows of its own."""

_KEYS_OF = {"few_shot": ("examples", "match"), "chain_of_thought": ("stages",), "template": ("last_line",)}
"""Strategy -> keys of an arm that only it uses."""
_OF_MODELS = (
    "parameters", "examples", "match", "stages", "repeats", "persona", "layout", "last_line",
    "transport", "deadline", "retry", "rescue",
)  # fmt: skip
_OF_BATCHES = ("deadline", "retry", "rescue")


_REGISTERED = (
    "A registered model is asked by its name once a version is live, else as NAME@VERSION: `nightpoll models list`."
)


def arm_problems(
    study: Study, source: Source, models: Mapping[str, Model] | None, variables: Collection[str] | None
) -> Iterator[Problem]:
    """What is wrong with the arms, without looking at anybody's answers.

    Args:
        study: as read.
        source: where it was written.
        models: all models of the models file; None if it could not be read.
        variables: names of the survey's variables; None if it could not be read.
    """
    for name, arm in study.arms.items():
        yield from _name(name, source)
        yield from _model(name, arm, source, models)
        yield from _questions(name, arm, study, source)
        yield from _match(name, arm, study, source, variables)
        yield from _without_effect(name, arm, source)


def training_problems(study: Study, source: Source, prepared: Prepared) -> Iterator[Problem]:
    """few_shot arms that have nobody to take examples from, or too few people."""
    training = {
        question: np.array([split == "train" for split in splits_for(question, prepared.respondents, study.split)])
        for question in prepared.answers
    }
    for name, arm in study.arms.items():
        if arm.strategy != "few_shot":
            continue
        where = source.where(f"arms.{name}.strategy")
        if not any(mine.any() for mine in training.values()):
            what = f"the few_shot arm {name} has no training respondents to take examples from."
            hint = "Lower `split.test` and `split.validation`, or check `survey.filter`."
            yield Problem(what, where, hint, code="no_training_respondents")
            continue
        for question in questions_of(arm, study):
            n = int((training[question] & (prepared.answers[question].status == "answered")).sum())
            yield from _examples(name, arm, question, n, where)


def questions_of(arm: Arm, study: Study) -> list[str]:
    """Questions of an arm that the study has, in study order."""
    return [q for q in study.questions if arm.questions is None or q in arm.questions]


def _examples(name: str, arm: Arm, question: str, n: int, where: str) -> Iterator[Problem]:
    if n == 0:
        what = f"the few_shot arm {name} has no training respondent who answered {question}."
        yield Problem(what, where, "Leave the question out with `questions`.", code="no_training_respondents")
    elif n <= arm.examples:
        what = f"only {n} training respondents answered {question}: prompts of {name} show fewer than {arm.examples}."
        yield Problem(what, where, level="warning", code="few_training_respondents")


def _name(name: str, source: Source) -> Iterator[Problem]:
    if name in RESERVED_NAMES:
        what = f"an arm cannot be called {name}: the evaluation uses that name."
        yield Problem(what, source.where(f"arms.{name}"), code="reserved_arm_name")


def _model(name: str, arm: Arm, source: Source, models: Mapping[str, Model] | None) -> Iterator[Problem]:
    if models is not None and arm.model is not None and arm.model not in models:
        what = f"there is no model {arm.model}."
        hint = f"{did_you_mean(arm.model, list(models))} {_REGISTERED}".strip()
        yield Problem(what, source.where(f"arms.{name}.model"), hint, code="unknown_model")


def _questions(name: str, arm: Arm, study: Study, source: Source) -> Iterator[Problem]:
    if arm.questions is None:
        return
    if not arm.questions:
        yield Problem("no question is listed.", source.where(f"arms.{name}.questions"), code="no_questions")
    for n, question in enumerate(arm.questions):
        where = source.where(f"arms.{name}.questions.{n}")
        if question not in study.questions:
            hint = did_you_mean(question, list(study.questions))
            yield Problem(f"{question} is no question of the study.", where, hint, code="unknown_question")
        elif question in arm.questions[:n]:
            yield Problem(f"{question} is listed twice.", where, code="duplicate_question")


def _match(name: str, arm: Arm, study: Study, source: Source, variables: Collection[str] | None) -> Iterator[Problem]:
    asked = questions_of(arm, study)
    for n, variable in enumerate(arm.match):
        where = source.where(f"arms.{name}.match.{n}")
        known = None if variables is None else [*variables, *study.persona.derive]
        if known is not None and variable not in known:
            what = f"the survey has no variable {variable}."
            yield Problem(what, where, did_you_mean(variable, known), code="unknown_variable")
        elif variable in asked:
            what = f"examples matched on {variable} would give away the answer to {variable}."
            hint = "Match on other variables, or leave the question out of this arm."
            yield Problem(what, where, hint, code="match_on_question")


def _without_effect(name: str, arm: Arm, source: Source) -> Iterator[Problem]:
    given = arm.model_fields_set
    idle: list[str] = []
    if arm.model is None:
        idle = [key for key in _OF_MODELS if key in given]
    else:
        own = _KEYS_OF.get(str(arm.strategy), ())
        idle = [key for keys in _KEYS_OF.values() for key in keys if key in given and key not in own]
    if arm.imported is None and "suffix" in given:
        idle.append("suffix")
    if arm.imported is None and arm.transport == "online":
        idle += [key for key in _OF_BATCHES if key in given]
    for key in idle:
        what = f"`{key}` has no effect in the arm {name}."
        yield Problem(what, source.where(f"arms.{name}.{key}"), level="warning", code="no_effect")
