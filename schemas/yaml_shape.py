"""Checks YAML data against a model and says every problem at once, with line, found, allowed and nearest. Pure."""

import types
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import Problem, StudyError
from schemas.secret_text import names_a_secret, redacted, shortened
from schemas.value_words import found_words, wanted_words
from schemas.yaml_source import Source, dotted

M = TypeVar("M", bound=BaseModel)
Path = tuple[str | int, ...]

_NEW_SHAPES = frozenset({"route"})
"""Keys that give their parent another shape: what else is wrong with the parent would only mislead."""


def validated(source: Source, model: type[M], not_built_yet: Mapping[str, str]) -> M:
    """The data as a model.

    Args:
        source: what `schemas.yaml_source.read_yaml` gave.
        model: the shape.
        not_built_yet: dotted key (`*` for any name) -> what it would switch on; such keys are refused by name.

    Raises:
        StudyError: everything that is wrong with the shape, in the order of the lines.
    """
    refused = sorted(_refused_keys(source.data, not_built_yet), key=lambda key: dotted(key[0]))
    rest = source.data
    for path, _ in refused:
        rest = _without(rest, path)
    problems = [_not_built(source, path, feature) for path, feature in refused]
    try:
        checked = model.model_validate(rest)
    except ValidationError as e:
        hidden = [path[:-1] for path, _ in refused if path[-1] in _NEW_SHAPES]
        problems += _told(source, model, e, hidden)
    if problems:
        raise StudyError(sorted(map(_safe, problems), key=_line_of))
    return checked


def nearest(word: str, words: Iterator[str] | list[str]) -> str:
    """The word of `words` that `word` was probably meant to be, "" if none is near. Case does not count."""
    by_lower = {known.lower(): known for known in words}
    found = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def did_you_mean(word: str, words: list[str], *, limit: int = 12) -> str:
    """A hint: the nearest word, or the first of all words."""
    near = nearest(word, words)
    if near:
        return f"Did you mean `{near}`?"
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return f"There is: {', '.join(words[:limit])}{more}." if words else ""


def _refused_keys(data: dict[Any, Any], not_built_yet: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for pattern, feature in not_built_yet.items():
        for path in _matches(data, tuple(pattern.split("."))):
            yield path, feature


def _matches(data: object, pattern: Path) -> Iterator[Path]:
    if not isinstance(data, dict):
        return
    names = list(data) if pattern[0] == "*" else [name for name in data if name == pattern[0]]
    for name in names:
        if len(pattern) == 1:
            yield (name,)
        else:
            yield from ((name, *rest) for rest in _matches(data[name], pattern[1:]))


def _without(data: dict[Any, Any], path: Path) -> dict[Any, Any]:
    head, *rest = path
    if rest:
        return {**data, head: _without(data[head], tuple(rest))}
    return {key: value for key, value in data.items() if key != head}


def _not_built(source: Source, path: Path, feature: str) -> Problem:
    key = dotted(path)
    what = f"`{key}` switches on {feature}, which this version does not have yet."
    return Problem(what, source.where(key), "Take the key out.", code="not_built_yet")


def _told(source: Source, model: type[BaseModel], error: ValidationError, hidden: list[Path]) -> list[Problem]:
    groups: dict[Path, list[ErrorDetails]] = defaultdict(list)
    for detail in error.errors(include_url=False):
        path = _path_in(source.data, detail)
        if not any(path[: len(parent)] == parent for parent in hidden):
            groups[path].append(detail)
    misspelt = _misspelt(model, groups)
    return [_problem(source, model, path, found) for path, found in groups.items() if path not in misspelt]


def _misspelt(model: type[BaseModel], groups: Mapping[Path, list[ErrorDetails]]) -> set[Path]:
    """Missing keys that stand there under a near name: the unknown key says it already."""
    unknown = [path for path, details in groups.items() if details[0]["type"] == "extra_forbidden"]
    meant = {(*path[:-1], nearest(str(path[-1]), _fields_at(model, path[:-1]))) for path in unknown}
    return {path for path, details in groups.items() if details[0]["type"] == "missing" and path in meant}


def _path_in(data: object, detail: ErrorDetails) -> Path:
    """The part of an error's place that is in the file: pydantic adds names of union members and `[key]`."""
    path: list[str | int] = []
    loc = [part for part in detail["loc"] if part != "[key]"]
    for n, part in enumerate(loc):
        if isinstance(data, dict) and (part in data or str(part) in map(str, data)):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif n == len(loc) - 1 and detail["type"] == "missing":
            path.append(part)
            break
        else:
            break
        path.append(part)
    return tuple(path)


def _problem(source: Source, model: type[BaseModel], path: Path, details: list[ErrorDetails]) -> Problem:
    key, first = dotted(path), details[0]
    name = str(path[-1]) if path else ""
    siblings = _fields_at(model, path[:-1])
    if first["type"] == "extra_forbidden":
        return Problem(f"unknown key `{name}`.", source.where(key), _unknown_hint(name, siblings), code="unknown_key")
    if first["type"] == "missing":
        return Problem(f"`{name}` is missing.", source.where(key), code="missing_key")
    if "[key]" in first["loc"]:
        what = f"the key {shortened(name)} must be {wanted_words(first)}."
        return Problem(what, source.where(key), code="wrong_key")
    if first["type"] == "value_error":
        what = first["msg"].removeprefix("Value error, ")
        return Problem(f"{what}.", source.where(key), code="wrong_value")
    found = found_words(name, first["input"])
    wanted = " or ".join(dict.fromkeys(wanted_words(detail) for detail in details))
    thing = found if path and isinstance(path[-1], int) else f"`{name}` is {found} and"
    what = f"{thing} must be {wanted}."
    if first["type"] == "too_short":
        what = f"`{name}` needs at least one entry."
    return Problem(what, source.where(key), _value_hint(details), code="wrong_value")


def _unknown_hint(name: str, siblings: list[str]) -> str:
    if names_a_secret(name) and "api_key_env" in siblings:
        return "A key is never written in a file: name its environment variable with `api_key_env`."
    return did_you_mean(name, siblings, limit=30)


def _value_hint(details: list[ErrorDetails]) -> str:
    first = details[0]
    if first["type"] == "string_type" and isinstance(first["input"], int | float):
        return "Put it in quotes to make it a text."
    expected = [d.get("ctx", {}).get("expected", "") for d in details if d["type"] == "literal_error"]
    if expected and isinstance(first["input"], str):
        words = [word.strip(" '") for word in expected[0].replace(" or ", ",").split(",")]
        near = nearest(first["input"], words)
        return f"Did you mean `{near}`?" if near else ""
    return ""


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """Keys the model allows below a path, [] if it takes any."""
    here: object = model
    for part in path:
        here = _step(here, part)
    found = _models_in(here)
    return [info.alias or name for name, info in found[0].model_fields.items()] if found else []


def _step(kind: object, part: str | int) -> object:
    for model in _models_in(kind):
        for name, info in model.model_fields.items():
            if part in {name, info.alias}:
                return info.annotation
    inner = [arg for option in _options(kind) if get_origin(option) in {dict, list} for arg in get_args(option)]
    return inner[-1] if inner else None


def _models_in(kind: object) -> list[type[BaseModel]]:
    return [o for o in _options(kind) if isinstance(o, type) and issubclass(o, BaseModel)]


def _options(kind: object) -> list[object]:
    """The members of a union, or the type itself."""
    if get_origin(kind) in {Union, types.UnionType}:
        return [option for member in get_args(kind) for option in _options(member)]
    return [] if get_origin(kind) is Literal else [kind]


def _safe(problem: Problem) -> Problem:
    """Names of keys are shown as they stand, so a secret in the place of a name would be too."""
    return replace(problem, what=redacted(problem.what), where=redacted(problem.where))


def _line_of(problem: Problem) -> int:
    line = problem.where.partition(" ")[0].rpartition(":")[2]
    return int(line) if line.isdigit() else 0
