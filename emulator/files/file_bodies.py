"""File objects as JSON, in the spelling of each profile."""

from typing import Any

from emulator.config import EmulatorConfig
from emulator.files.shelf import StoredFile


def file_object(config: EmulatorConfig, file: StoredFile, now: float) -> dict[str, Any]:
    """A file; on Azure its size is not told while it is pending, and dates only where they exist."""
    status = file.status(now)
    body: dict[str, Any] = {
        "object": "file",
        "id": file.id,
        "purpose": file.purpose,
        "filename": file.filename,
        "bytes": file.n_bytes,
        "created_at": int(file.created_at),
        "status": status,
    }
    if config.is_azure and status == "pending":
        if config.profile == "azure":
            del body["bytes"]
        else:
            body["bytes"] = None
    if file.expires_at is not None:
        body["expires_at"] = int(file.expires_at)
    if status == "error":
        body["status_details"] = "The file could not be processed."
    elif not config.is_azure:
        body["status_details"] = None
    return body


def file_list(config: EmulatorConfig, files: list[StoredFile], now: float, *, has_more: bool) -> dict[str, Any]:
    """A page of files. The dated version of 2024 knows no pages and tells none."""
    body: dict[str, Any] = {"object": "list", "data": [file_object(config, file, now) for file in files]}
    if config.profile != "azure":
        body |= {"first_id": files[0].id if files else "", "last_id": files[-1].id if files else ""}
        body["has_more"] = has_more
    elif has_more:
        body["has_more"] = True
    return body
