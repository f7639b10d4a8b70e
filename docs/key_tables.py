"""Markdown tables of every key of a pydantic model, from its fields: key, type, default, meaning."""

import inspect
import types
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import AwareDatetime, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

_PLAIN: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    AwareDatetime: "date, time and zone",
    Path: "path",
    SecretStr: "text, secret",
    Any: "anything",
}
_BOUNDS = {Ge: ("ge", ">="), Gt: ("gt", ">"), Le: ("le", "<="), Lt: ("lt", "<")}


def key_sections(model: type[BaseModel]) -> str:
    """One section per model that `model` leads to, in reading order, each with a table of its keys."""
    places = dict(_walk(model, ""))
    return "\n\n".join(_section(each, place) for each, place in places.items())


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; `|` in a cell is escaped."""
    lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _walk(model: type[BaseModel], place: str) -> Iterator[tuple[type[BaseModel], str]]:
    yield model, place
    for name, field in model.model_fields.items():
        for child, path in _models_in(field.annotation, _joined(place, field.alias or name)):
            yield from _walk(child, path)


def _models_in(annotation: object, place: str) -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, place
        return
    origin = get_origin(annotation)
    for argument in get_args(annotation):
        yield from _models_in(argument, f"{place}.NAME" if origin is dict else place)


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _section(model: type[BaseModel], place: str) -> str:
    heading = f"## {model.__name__}" + (f": `{place}`" if place else "")
    rows = [[f"`{field.alias or name}`", *cells(field)] for name, field in model.model_fields.items()]
    return f"{heading}\n\n{_doc(model)}\n\n" + table(["key", "type", "default", "meaning"], rows)


def _doc(model: type[BaseModel]) -> str:
    return (inspect.getdoc(model) or "").split("\n\nAttributes:")[0].strip()


def cells(field: FieldInfo) -> list[str]:
    """Type with bounds, default, meaning."""
    bounds = _bounds(field.metadata)
    return [_type(field.annotation) + (f", {bounds}" if bounds else ""), _default(field), field.description or ""]


def _type(annotation: object) -> str:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.__name__
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    return _compound(get_origin(annotation), get_args(annotation))


def _compound(origin: object, arguments: tuple[Any, ...]) -> str:
    if origin is Annotated:
        bounds = _bounds([item for argument in arguments[1:] for item in getattr(argument, "metadata", [argument])])
        return _type(arguments[0]) + (f" {bounds}" if bounds else "")
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    assert origin in (Union, types.UnionType), origin
    return " or ".join(_type(argument) for argument in arguments if argument is not type(None))


def _bounds(metadata: list[Any]) -> str:
    words = []
    for bound in metadata:
        if type(bound) in _BOUNDS:
            name, sign = _BOUNDS[type(bound)]
            words.append(f"{sign} {getattr(bound, name)}")
        elif isinstance(bound, MinLen):
            words.append(f"at least {bound.min_length}")
        elif pattern := getattr(bound, "pattern", None):
            words.append(f"matching `{pattern}`")
    return " and ".join(words)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined:
        return "empty" if field.default_factory in (list, dict) else "as below"
    if field.default is None:
        return "none"
    return f"`{field.default}`"
