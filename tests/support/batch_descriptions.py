"""Which description of the services holds for the files and batches of each profile.

Known gaps (openapi/SOURCES.md): nulls are dropped before validating; `errors.data` is a list on the wire and one object
in Azure's descriptions; the v1 description has no batches, so OpenAI's is used.
"""

from typing import Any

from tests.support.descriptions import AUTHORING_2025, OPENAI, V1, Description, check, without_nulls

_BODIES: dict[str, dict[str, tuple[Description, str]]] = {
    "openai": {
        "file": (OPENAI, "OpenAIFile"),
        "files": (OPENAI, "ListFilesResponse"),
        "deleted": (OPENAI, "DeleteFileResponse"),
        "batch": (OPENAI, "Batch"),
        "batches": (OPENAI, "ListBatchesResponse"),
        "error": (OPENAI, "ErrorResponse"),
    },
    "azure_v1": {
        "file": (V1, "AzureOpenAIFile"),
        "files": (V1, "AzureListFilesResponse"),
        "deleted": (V1, "OpenAI.DeleteFileResponse"),
        "batch": (OPENAI, "Batch"),
        "batches": (OPENAI, "ListBatchesResponse"),
        "error": (V1, "AzureErrorResponse"),
    },
    "azure": {
        "file": (AUTHORING_2025, "File"),
        "files": (AUTHORING_2025, "FileList"),
        "deleted": (AUTHORING_2025, "FileDelete"),
        "batch": (AUTHORING_2025, "Batch"),
        "batches": (AUTHORING_2025, "BatchesList"),
        "error": (AUTHORING_2025, "ErrorResponse"),
    },
}


def check_body(profile: str, kind: str, body: Any) -> None:
    """Assert that a body is what the profile's description says of a file, a batch, a list or an error."""
    check(body, *_BODIES[profile][kind])


def plain_error(profile: str, body: dict[str, Any]) -> dict[str, Any]:
    """An error body without what Azure's descriptions do not know."""
    if profile == "openai":
        return body
    inner = without_nulls(body["error"])
    if profile == "azure_v1":
        inner.pop("type", None)
    return {"error": inner}
