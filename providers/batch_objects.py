"""File and batch objects of the services, read from JSON in every spelling: null and "" mean absent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.error_bodies import shown_of_file

TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
TOKEN_LIMIT = "token_limit_exceeded"  # noqa: S105 - an error code
"""Code of the queued-token limit, at create and as the reason of a failed batch."""

_SPELLINGS = {"canceled": "cancelled", "canceling": "cancelling"}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at the service.

    Attributes:
        status: processed, pending, running, uploaded, error, deleting, deleted; "" if not told.
        n_bytes: None while it is pending.
        expires_at: seconds since 1970; None: never, or not told.
        problem: why its status is error; None if not told.
    """

    id: str
    status: str
    filename: str | None = None
    purpose: str | None = None
    n_bytes: int | None = None
    created_at: int | None = None
    expires_at: int | None = None
    problem: str | None = None

    @property
    def is_ready(self) -> bool:
        """A batch can be made of it."""
        return self.status == "processed"

    @property
    def is_broken(self) -> bool:
        """It never will be."""
        return self.status in {"error", "deleting", "deleted"}


@dataclass(frozen=True, slots=True)
class BatchProblem:
    """Why a batch failed: the service's code, one shown line, and where in the input (from 1) if told."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """What the service says it has done; not to be trusted, and None where it does not say."""

    total: int | None = None
    completed: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch at the service. All moments are its own, in seconds since 1970, None if not reached or not told.

    Attributes:
        status: validating, in_progress, finalizing, completed, failed, expired, cancelling, cancelled.
        input_file_id: None for batches from blob storage.
        output_file_id, error_file_id: None as long as there is none.
        problems: why it failed.
        metadata: as given at create; empty if none.
    """

    id: str
    status: str
    endpoint: str | None = None
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: int | None = None
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    expires_at: int | None = None
    ended_at: int | None = None
    counts: RequestCounts = RequestCounts()
    problems: tuple[BatchProblem, ...] = ()
    metadata: Mapping[str, str] | None = None

    @property
    def is_over(self) -> bool:
        """In a terminal state: nothing more will be done or billed."""
        return self.status in TERMINAL

    @property
    def hit_token_limit(self) -> bool:
        """It failed because too many tokens were queued: the same batch may be created again later."""
        return self.status == "failed" and any(TOKEN_LIMIT in (p.code, *p.message.split()) for p in self.problems)


def read_file(body: Mapping[str, Any]) -> RemoteFile:
    """A file object. Whatever is missing, null or of a strange type is absent."""
    return RemoteFile(
        id=_text(body.get("id")) or "",
        status=_text(body.get("status")) or "",
        filename=_text(body.get("filename")),
        purpose=_text(body.get("purpose")),
        n_bytes=_whole(body.get("bytes")),
        created_at=_whole(body.get("created_at")),
        expires_at=_whole(body.get("expires_at")),
        problem=_shown(body.get("status_details")),
    )


def read_batch(body: Mapping[str, Any]) -> RemoteBatch:
    """A batch object, likewise."""
    status = _text(body.get("status")) or ""
    status = _SPELLINGS.get(status, status)
    ended_at = _whole(body.get(f"{status}_at")) if status in TERMINAL else None
    return RemoteBatch(
        id=_text(body.get("id")) or "",
        status=status,
        endpoint=_text(body.get("endpoint")),
        input_file_id=_text(body.get("input_file_id")),
        output_file_id=_text(body.get("output_file_id")),
        error_file_id=_text(body.get("error_file_id")),
        created_at=_whole(body.get("created_at")),
        in_progress_at=_whole(body.get("in_progress_at")),
        finalizing_at=_whole(body.get("finalizing_at")),
        expires_at=_whole(body.get("expires_at")),
        ended_at=ended_at,
        counts=_counts(body.get("request_counts")),
        problems=_problems(body.get("errors")),
        metadata=_metadata(body.get("metadata")),
    )


def _counts(given: object) -> RequestCounts:
    if not isinstance(given, dict):
        return RequestCounts()
    return RequestCounts(_whole(given.get("total")), _whole(given.get("completed")), _whole(given.get("failed")))


def _problems(errors: object) -> tuple[BatchProblem, ...]:
    # the descriptions of Azure declare one object where the service sends a list
    data = errors.get("data") if isinstance(errors, dict) else None
    listed = data if isinstance(data, list) else [data]
    return tuple(_problem(each) for each in listed if isinstance(each, dict))


def _problem(given: dict[str, Any]) -> BatchProblem:
    line = given.get("line")
    if isinstance(line, str) and line.isascii() and line.isdigit():
        line = int(line)
    return BatchProblem(
        code=_text(given.get("code")) or "unknown",
        message=_shown(given.get("message")) or "",
        line=_whole(line),
        param=_text(given.get("param")),
    )


def _metadata(given: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _shown(value: object) -> str | None:
    return shown_of_file(value) if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
