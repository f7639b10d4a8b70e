"""Checks of what arms do with persona and question: templates, layouts, prompts of the user's own, turns."""

from collections.abc import Iterator
from pathlib import Path

from producer.load import read_text
from producer.prompting.prompt_file import PromptFile, compile_prompt
from producer.prompting.strategies import strategy_of
from schemas.errors import Problem, StudyError
from schemas.study import Arm, Study
from schemas.yaml_shape import did_you_mean
from schemas.yaml_source import Source


def prompt_problems(study: Study, source: Source, folder: Path) -> Iterator[Problem]:
    """What is wrong with the prompts of arms.

    Args:
        study: as read.
        source: where it was written.
        folder: where the study stands.
    """
    for name, arm in study.arms.items():
        if arm.strategy is None:
            continue
        prompt: PromptFile | None = None
        if arm.prompt is not None:
            try:
                prompt = compile_prompt(read_text(folder / arm.prompt), where=arm.prompt)
            except StudyError as e:
                yield from e.problems
        yield from _persona(name, arm, study, source)
        yield from _layout(name, arm, source)
        yield from _turns(name, arm, prompt, source)


def _persona(name: str, arm: Arm, study: Study, source: Source) -> Iterator[Problem]:
    if arm.persona is None:
        return
    where = source.where(f"arms.{name}.persona")
    if arm.persona not in study.persona.templates:
        what = f"`persona.templates` has no {arm.persona}."
        yield Problem(what, where, did_you_mean(arm.persona, list(study.persona.templates)), code="unknown_template")
    elif arm.layout == "interview":
        what = f"`persona` has no effect in the arm {name}: its persona is an interview."
        yield Problem(what, where, level="warning", code="no_effect")


def _layout(name: str, arm: Arm, source: Source) -> Iterator[Problem]:
    where = source.where(f"arms.{name}.layout")
    if arm.layout == "persona_first":
        return
    if arm.strategy == "template":
        yield Problem(
            f"`layout` has no effect in the arm {name}: its prompt says it.", where, "", "warning", "no_effect"
        )
    elif arm.layout == "interview" and arm.strategy == "few_shot":
        what = f"the arm {name} shows examples and an interview: the model could not tell the persons apart."
        yield Problem(what, where, "Choose one of them.", code="layout_not_for_strategy")
    elif arm.layout == "question_first" and strategy_of(arm).stages:
        what = f"`layout: question_first` has no effect in the arm {name}: the person comes in the first stage."
        yield Problem(what, where, "", "warning", "no_effect")


def _turns(name: str, arm: Arm, prompt: PromptFile | None, source: Source) -> Iterator[Problem]:
    n_turns = len(prompt.turns) if prompt is not None else strategy_of(arm).n_turns
    if n_turns > 1 and arm.permutations is not None:
        what = f"the arm {name} asks in {n_turns} turns: options cannot be asked in several orders there."
        hint = "`shuffle_options` gives each respondent an order of their own."
        yield Problem(what, source.where(f"arms.{name}.permutations"), hint, code="turns_and_orders")
    if prompt is not None and n_turns > 1 and arm.transport != "online" and arm.deadline is not None:
        what = f"the prompt of {name} has {n_turns} turns: nobody could say when its batches must be given up."
        where = source.where(f"arms.{name}.deadline")
        yield Problem(what, where, "Take the deadline out, or use `transport: online`.", code="deadline_with_turns")
