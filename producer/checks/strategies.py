"""Checks of strategies that give probabilities, and of repeats: what model, question or parameters do not allow."""

from collections.abc import Iterator, Mapping

from producer.checks.arms import questions_of
from producer.prompting.strategies import n_samples, strategy_of, wanted_parameters
from providers.families import is_deterministic
from schemas.answer_format import asked_of
from schemas.codebook import CodedVariable
from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Arm, Study
from schemas.yaml_source import Source

DISTRIBUTIONS = ("logprobs", "repeats", "stated")
"""Strategies whose result is a distribution over the options."""

_FORMATS = {"logprobs": ("number", "letter"), "stated": ("number",)}


def strategy_problems(
    study: Study, source: Source, models: Mapping[str, Model], questions: Mapping[str, CodedVariable] | None
) -> Iterator[Problem]:
    """What is wrong with strategies and repeats.

    Args:
        study: with the ladder resolved.
        source: where it was written.
        models: of the models file; {} if it could not be read.
        questions: of the codebook; None if it could not be made.
    """
    for name, arm in study.arms.items():
        where = source.where(f"arms.{name}.strategy")
        model = models.get(str(arm.model))
        if arm.strategy is None:
            continue
        if model is not None:
            yield from _model(name, arm, model, where)
            yield from _repeats(name, arm, model, source)
        yield from _format(name, arm, source)
        if questions is not None and arm.strategy in DISTRIBUTIONS:
            for question in questions_of(arm, study):
                yield from _question(name, arm, model, questions[question], where)


def _model(name: str, arm: Arm, model: Model, where: str) -> Iterator[Problem]:
    if arm.strategy == "logprobs" and model.family == "reasoning":
        what = f"the arm {name} wants log-probabilities, which reasoning models refuse."
        hint = "`strategy: probabilities` takes repeated samples from such a model."
        yield Problem(what, where, hint, code="unsupported_strategy")


def _repeats(name: str, arm: Arm, model: Model, source: Source) -> Iterator[Problem]:
    n = n_samples(arm) if arm.strategy == "repeats" else arm.repeats
    if n is None or n < 2:
        return
    parameters = {**model.parameters, **wanted_parameters(strategy_of(arm), model.family), **arm.parameters}
    where = source.where(f"arms.{name}.repeats")
    if is_deterministic(model.family, parameters):
        what = f"the arm {name} asks {n} times at temperature 0: the answers hardly differ."
        yield Problem(what, where, "Set a temperature, such as 1.", "warning", "repeats_alike")
    if parameters.get("seed") is not None:
        what = f"the arm {name} asks {n} times with one `seed`: the answers hardly differ."
        yield Problem(what, where, "Take `seed` out.", "warning", "repeats_alike")


def _format(name: str, arm: Arm, source: Source) -> Iterator[Problem]:
    allowed = _FORMATS.get(str(arm.strategy))
    if allowed is not None and arm.format not in allowed:
        what = f"the strategy {arm.strategy} does not go with `format: {arm.format}`."
        hint = f"It goes with {' and '.join(allowed)}."
        yield Problem(what, source.where(f"arms.{name}.format"), hint, code="format_not_for_strategy")


def _question(name: str, arm: Arm, model: Model | None, question: CodedVariable, where: str) -> Iterator[Problem]:
    if asked_of(question) != "single":
        what = f"the arm {name} gives probabilities of one option, and {question.name} is no single choice."
        hint = "Name the arm's questions with `questions`, without this one."
        yield Problem(what, where, hint, code="question_not_for_strategy")
    elif arm.strategy == "logprobs":
        yield from _tokens(name, arm, model, question, where)


def _tokens(name: str, arm: Arm, model: Model | None, question: CodedVariable, where: str) -> Iterator[Problem]:
    shown = {**wanted_parameters(strategy_of(arm), "chat" if model is None else model.family), **arm.parameters}[
        "top_logprobs"
    ]
    if isinstance(shown, int) and len(question.codes) > shown:
        what = f"{question.name} has {len(question.codes)} options, and the arm {name} sees {shown} tokens at most."
        hint = "What falls on the others is not covered; use repeats or stated for this question."
        yield Problem(what, where, hint, "warning", "options_beyond_logprobs")
    spelt = [str(code) for code in question.codes] if arm.format == "number" else []
    if any(text.startswith("-") or (other != text and other.startswith(text)) for text in spelt for other in spelt):
        what = f"codes of {question.name} begin alike or with a minus: a first token may stand for several."
        yield Problem(what, where, "Use `format: letter`.", "warning", "codes_of_several_tokens")
