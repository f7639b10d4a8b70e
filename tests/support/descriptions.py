"""The services' official descriptions of their bodies, and the check of a body against one (openapi/SOURCES.md)."""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
from openapi_schema_validator import OAS30Validator, OAS31Validator

FOLDER = Path(__file__).parents[1] / "contract" / "openapi"


class Description(NamedTuple):
    """A file of descriptions, the dialect it is written in, and where its schemas stand."""

    file: str
    validator: Any
    place: str = "components/schemas"


OPENAI = Description("openai.subset.openapi.json", OAS31Validator)
V1 = Description("azure-openai-v1.subset.openapi.json", OAS30Validator)
INFERENCE = Description("azure-openai-inference-2025-03-01-preview.subset.openapi.json", OAS30Validator)
AUTHORING_2024 = Description(
    "azure-openai-authoring-2024-10-21.subset.swagger.json", jsonschema.Draft4Validator, "definitions"
)
AUTHORING_2025 = Description(
    "azure-openai-authoring-2025-04-01-preview.subset.swagger.json", jsonschema.Draft4Validator, "definitions"
)
BATCH_LINES = Description("openai-jsonl-lines.openapi.json", OAS30Validator)


@cache
def _content(file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / file).read_text("utf-8"))
    return content


def errors_in(value: Any, source: Description, name: str) -> list[Any]:
    """What the schema of this name does not allow in a body, as the validator's own errors."""
    root = source.place.split("/")[0]
    schema = {"$ref": f"#/{source.place}/{name}", root: _content(source.file)[root]}
    return list(source.validator(schema).iter_errors(value))


def check(value: Any, source: Description, name: str) -> None:
    """Assert that the schema of this name allows a body; the assertion says what it does not."""
    found = [f"{error.json_path}: {error.message}" for error in errors_in(value, source, name)]
    assert not found, "\n".join(found)


def without_nulls(value: Any) -> Any:
    """A body without its nulls, which the services send and the descriptions do not know."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value
