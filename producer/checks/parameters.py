"""Checks of wire parameters: reserved, unknown, refused by the model's family, or cutting the answer off."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from producer.prompting.strategies import strategy_of, wanted_parameters
from providers.families import LIMIT_NAMES, output_limit_tokens, problems
from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Arm
from schemas.yaml_source import Source

RESERVED = {
    "model": "the model's `model` and `deployment` say it",
    "messages": "the strategy writes them",
    "prompt": "the strategy writes it",
    "stream": "answers are read whole",
    "stream_options": "answers are read whole",
    "response_format": "`format: json` sets it",
    "logprobs": "`strategy: logprobs` sets it",
    "top_logprobs": "it goes with `strategy: logprobs` only",
    "tools": "this version does not have tools",
    "tool_choice": "this version does not have tools",
    "parallel_tool_calls": "this version does not have tools",
    "functions": "this version does not have tools",
    "function_call": "this version does not have tools",
    "modalities": "answers are texts",
    "audio": "answers are texts",
    "prediction": "an answer is not known before",
    "web_search_options": "a respondent does not search the web",
}
"""Wire parameters that a study must not set -> why."""


class Settings:
    """Wire parameters of an arm and where each was written."""

    def __init__(self, arm_name: str, arm: Arm, model: Model, study: Source, models: Source) -> None:
        self.arm_name, self.arm, self.model = arm_name, arm, model
        self.study, self.models = study, models
        self.given: dict[str, Any] = {**model.parameters, **arm.parameters}
        own = wanted_parameters(strategy_of(arm), model.family) if arm.strategy is not None else {}
        self.values: dict[str, Any] = {**model.parameters, **own, **arm.parameters}

    def where(self, parameter: str = "") -> str:
        """File, line and key of a parameter: the arm's own before the model's."""
        if parameter in self.arm.parameters or parameter not in self.model.parameters:
            key = f"arms.{self.arm_name}.parameters"
            return self.study.where(f"{key}.{parameter}" if parameter else key)
        return self.models.where(f"models.{self.arm.model}.parameters.{parameter}")


def parameter_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the wire parameters of one arm."""
    yield from _reserved(settings)
    own = strategy_of(settings.arm).parameters if settings.arm.strategy is not None else {}
    rest = {name: value for name, value in settings.values.items() if name in own or name not in RESERVED}
    refused = [_placed(problem, rest, settings) for problem in problems(settings.model.family, rest)]
    yield from refused
    if not any(problem.level == "error" for problem in refused):
        yield from _low_limit(settings, rest)


def _reserved(settings: Settings) -> Iterator[Problem]:
    for name, reason in RESERVED.items():
        if name in settings.given and not (name == "top_logprobs" and settings.arm.strategy == "logprobs"):
            yield Problem(f"`{name}` cannot be set: {reason}.", settings.where(name), code="reserved_parameter")


def _placed(problem: Problem, values: Mapping[str, Any], settings: Settings) -> Problem:
    """A provider's problem with file and line; one with a parameter that no service knows stops here."""
    placed = replace(problem, where=settings.where(_parameter_named(problem, values)))
    if problem.code != "unknown_parameter":
        return placed
    hint = problem.hint if problem.hint.startswith("Did you mean") else ""
    return replace(placed, level="error", hint=hint)


def _parameter_named(problem: Problem, values: Mapping[str, Any]) -> str:
    named = [name for name in values if f"`{name}`" in problem.what]
    return named[0] if named else ""


def _low_limit(settings: Settings, values: Mapping[str, Any]) -> Iterator[Problem]:
    limit = output_limit_tokens(values)
    strategy = strategy_of(settings.arm) if settings.arm.strategy is not None else None
    if limit is not None and strategy is not None and limit < strategy.expected_tokens:
        what = f"{limit} tokens are fewer than {strategy.name} usually takes: answers would be cut off."
        hint = f"Give the arm at least {strategy.high_tokens}."
        name = next(name for name in LIMIT_NAMES if name in values)
        yield Problem(what, settings.where(name), hint, "warning", "output_limit_low")
