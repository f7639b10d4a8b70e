"""Checks of question groups and of arms that ask them with memory."""

from collections.abc import Iterator

from schemas.errors import Problem
from schemas.study import Arm, Study
from schemas.yaml_shape import did_you_mean
from schemas.yaml_source import Source


def group_problems(study: Study, source: Source) -> Iterator[Problem]:
    """Groups that name what is not there or share a question, and arms that cannot have a memory."""
    owner: dict[str, str] = {}
    for name, questions in study.groups.items():
        where = source.where(f"groups.{name}")
        if len(questions) < 2:
            yield Problem(f"the group {name} needs at least two questions.", where, code="group_too_small")
        for question in questions:
            if question not in study.questions:
                what = f"{question} is no question of the study."
                yield Problem(what, where, did_you_mean(question, list(study.questions)), code="unknown_question")
            elif owner.setdefault(question, name) != name:
                what = f"{question} stands in the groups {owner[question]} and {name}."
                yield Problem(what, where, "Leave it in one of them.", code="question_in_two_groups")
        if len(set(questions)) < len(questions):
            yield Problem(f"the group {name} lists a question twice.", where, code="duplicate_question")
    for name, arm in study.arms.items():
        if arm.memory:
            yield from _memory(name, arm, study, source)
    if study.groups and not any(arm.memory for arm in study.arms.values()):
        what = "no arm has `memory: true`: the groups have no effect."
        yield Problem(what, source.where("groups"), level="warning", code="no_effect")


def _memory(name: str, arm: Arm, study: Study, source: Source) -> Iterator[Problem]:
    where = source.where(f"arms.{name}.memory")
    if not study.groups:
        what = f"the arm {name} has a memory, and the study has no `groups`."
        yield Problem(what, where, "Write `groups: {name: [question, question]}`.", code="memory_without_groups")
    reasons = {
        "strategy: repeats": arm.strategy == "repeats",
        "strategy: few_shot": arm.strategy == "few_shot",
        "stages": arm.stages > 1,
        "format: json": arm.format == "json",
        "prompt": arm.prompt is not None,
    }
    for key, holds in reasons.items():
        if holds:
            what = f"`memory` and `{key}` exclude each other in the arm {name}."
            yield Problem(what, where, "Keep one of the two.", code="memory_together")
