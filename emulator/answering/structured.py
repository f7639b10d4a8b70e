"""Structured output: which schemas a service takes, and an answer written as one asks.

Source: structured outputs guide (OpenAI and Azure OpenAI), read 2026-11-22: in a strict schema every property is
required, no object takes others, and bounds, patterns and lengths are unknown. Texts of the refusals are our own;
code and type are the services'.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.wire.refusals import Refusal, invalid

_UNKNOWN = ("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "multipleOf", "minItems", "maxItems")
_MOST_PROPERTIES, _MOST_LEVELS, _MOST_VALUES = 100, 5, 500
_PARAM = "response_format"


def read_schema(form: object) -> Mapping[str, Any] | None:
    """The schema of a response format; None for plain text.

    Raises:
        Refusal: 400, no such type, or a schema that strict mode does not take.
    """
    if form is None:
        return None
    if not isinstance(form, dict) or form.get("type") not in ("text", "json_schema"):
        kind = form.get("type") if isinstance(form, dict) else form
        text = f"Unsupported value: 'response_format' does not support '{kind}' with this model."
        raise invalid(text, param=_PARAM, code="unsupported_value")
    if form["type"] == "text":
        return None
    named = form.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    if not isinstance(named, dict) or not isinstance(named.get("name"), str) or not isinstance(schema, dict):
        raise invalid("Missing required parameter: 'response_format.json_schema'.", param=_PARAM, code=None)
    if named.get("strict") is True:
        for problem in _problems(schema, 1):
            raise _refused(str(named["name"]), problem)
    return schema


def _problems(schema: Mapping[str, Any], level: int) -> Iterator[str]:
    if level > _MOST_LEVELS:
        yield f"more than {_MOST_LEVELS} levels of nesting"
        return
    if level == 1 and (schema.get("type") != "object" or "anyOf" in schema):
        yield "schema must be a JSON Schema of 'type: \"object\"'"
    yield from (f"'{name}' is not permitted" for name in _UNKNOWN if name in schema)
    if len(schema.get("enum", ())) > _MOST_VALUES:
        yield f"more than {_MOST_VALUES} enum values"
    if schema.get("type") == "object":
        yield from _object_problems(schema)
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    for one in inner:
        if isinstance(one, dict):
            yield from _problems(one, level + 1)


def _object_problems(schema: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is not False:
        yield "'additionalProperties' is required to be supplied and to be false"
    if set(schema.get("required", ())) != set(properties):
        yield "'required' is required to be supplied and to be an array including every key in properties"
    if len(properties) > _MOST_PROPERTIES:
        yield f"more than {_MOST_PROPERTIES} properties"


def _refused(name: str, problem: str) -> Refusal:
    return invalid(f"Invalid schema for response_format '{name}': {problem}.", param=_PARAM, code=None)


def written(schema: Mapping[str, Any], answer: object, reason: str) -> str:
    """An object of the schema: the answer under the last property, the reason under texts before it."""
    names = list(schema.get("properties", {}))
    found: dict[str, object] = {name: reason for name in names[:-1]}
    if names:
        found[names[-1]] = answer
    return json.dumps(found)
