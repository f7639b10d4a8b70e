"""Experiments: factors crossed into arms with readable names, their number bounded. Pure.

An arm's name is the names of its levels, joined by `-` in the order of the factors: `mini-logprobs-story`. The name of
a level is its text; of a number the key and the number; of true and false the key, and the key after `no_`.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from pydantic import ValidationError

from schemas.errors import Problem, StudyError
from schemas.experiment import Experiment
from schemas.study import Arm, Study
from schemas.yaml_source import Source

LONGEST_NAME = 50
Levels = dict[str, Any]
"""Name of a level -> its value."""


def crossed(study: Study, source: Source) -> Study:
    """The study with the experiment's arms after its own; the study itself without an experiment.

    Args:
        study: as read.
        source: where it was written.

    Raises:
        StudyError: too many arms, names that clash, or a combination that is no arm; every problem found.
    """
    if study.experiment is None:
        return study
    factors = {key: _levels(key, values) for key, values in study.experiment.cross.items()}
    problems = list(_factor_problems(factors, source))
    made: dict[str, Arm] = {}
    if not problems:
        problems = list(_made(study, factors, made, source))
    if problems:
        raise StudyError(problems)
    return study.model_copy(update={"arms": {**study.arms, **made}})


def _made(study: Study, factors: Mapping[str, Levels], made: dict[str, Arm], source: Source) -> Iterator[Problem]:
    assert study.experiment is not None, "the caller looked"
    experiment, where = study.experiment, source.where("experiment")
    chosen = [combination for combination in _combinations(factors) if not _left_out(combination, experiment)]
    if len(chosen) > experiment.max_arms:
        what = f"the experiment makes {len(chosen)} arms, {experiment.max_arms} are allowed."
        hint = "Cross fewer levels, leave combinations out, or raise `experiment.max_arms`."
        yield Problem(what, where, hint, code="too_many_arms")
        return
    if not chosen:
        yield Problem("the experiment leaves every combination out.", where, code="no_arms")
    for combination in chosen:
        name = "-".join(level for level, _ in combination.values())
        if name in study.arms or name in made:
            what = f"the experiment makes an arm {name}, and there is one of that name."
            yield Problem(what, where, "Name the levels: `cross: {key: {name: value}}`.", code="arm_name_taken")
        elif len(name) > LONGEST_NAME:
            what = f"the experiment makes an arm whose name has more than {LONGEST_NAME} characters: {name}."
            yield Problem(what, where, "Give levels short names: `cross: {key: {name: value}}`.", code="arm_name_long")
        else:
            try:
                made[name] = _arm(experiment, combination)
            except ValidationError as e:
                yield from (_invalid(name, detail["loc"], detail["msg"], where) for detail in e.errors())


def _levels(key: str, values: list[Any] | dict[str, Any]) -> Levels:
    if isinstance(values, dict):
        return {_plain(str(name)): value for name, value in values.items()}
    return {_level_name(key, value): value for value in values}


def _level_name(key: str, value: object) -> str:
    last = key.rpartition(".")[2]
    if isinstance(value, bool):
        return last if value else f"no_{last}"
    if value is None:
        return f"no_{last}"
    return _plain(f"{last}{value}" if isinstance(value, int | float) else str(value))


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")


def _factor_problems(factors: Mapping[str, Levels], source: Source) -> Iterator[Problem]:
    for key, levels in factors.items():
        where = source.where(f"experiment.cross.{key}")
        head = key.partition(".")[0]
        known = [info.alias or name for name, info in Arm.model_fields.items()]
        if head not in known or head in ("import", "suffix", "route"):
            yield Problem(f"{key} is no key of an arm that can be a factor.", where, code="unknown_factor")
        if not levels or "" in levels:
            yield Problem(f"the factor {key} has a level without a name.", where, code="level_without_name")


def _combinations(factors: Mapping[str, Levels]) -> Iterator[dict[str, tuple[str, Any]]]:
    for levels in product(*(levels.items() for levels in factors.values())):
        yield dict(zip(factors, levels, strict=True))


def _left_out(combination: Mapping[str, tuple[str, Any]], experiment: Experiment) -> bool:
    return any(
        all(key in combination and wanted in combination[key] for key, wanted in partial.items())
        for partial in experiment.leave_out
    )


def _arm(experiment: Experiment, combination: Mapping[str, tuple[str, Any]]) -> Arm:
    values: dict[str, Any] = {**experiment.shared}
    for key, (_, value) in combination.items():
        head, dot, rest = key.partition(".")
        values[head] = {**values.get(head, {}), rest: value} if dot else value
    return Arm.model_validate({key: value for key, value in values.items() if value is not None})


def _invalid(name: str, loc: tuple[Any, ...], message: str, where: str) -> Problem:
    key = ".".join(map(str, loc))
    said = message.removeprefix("Value error, ")
    return Problem(f"the arm {name} of the experiment{f', {key}' if key else ''}: {said}.", where, code="wrong_value")
