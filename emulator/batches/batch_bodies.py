"""Batch objects as JSON, in the spelling of each profile."""

from typing import Any

from emulator.batches.batch_input import InputError
from emulator.batches.batch_job import Job
from emulator.config import EmulatorConfig

_STRANGE = {"x_unknown": {"nested": [1, None]}, "x_other": ""}
_STAMPS = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def batch_object(config: EmulatorConfig, job: Job) -> dict[str, Any]:
    """A batch."""
    body: dict[str, Any] = {
        "id": job.id,
        "object": "batch",
        "endpoint": _endpoint(config, job),
        "errors": _errors(config, job.failure) if job.status == "failed" else None,
        "input_file_id": job.input_file_id,
        "completion_window": "24h",
        "status": job.status,
        "output_file_id": _file_id(config, job.output_file_id),
        "error_file_id": _file_id(config, job.error_file_id),
        "created_at": int(job.created_at),
        **{f"{state}_at": _stamp(job, state) for state in _STAMPS},
        "expires_at": int(job.expires_at),
        "request_counts": _counts(config, job),
        "metadata": job.metadata,
    }
    if not config.is_azure:
        body |= {"model": job.examined.model, "usage": _usage(job)}
    if job.faults.unknown_fields:
        body |= _STRANGE
    return body


def batch_list(config: EmulatorConfig, jobs: list[Job], *, has_more: bool) -> dict[str, Any]:
    """A page of batches."""
    return {
        "object": "list",
        "data": [batch_object(config, job) for job in jobs],
        "first_id": jobs[0].id if jobs else None,
        "last_id": jobs[-1].id if jobs else None,
        "has_more": has_more,
    }


def _stamp(job: Job, state: str) -> int | None:
    at = job.stamps.get(state)
    return None if at is None else int(at)


def _endpoint(config: EmulatorConfig, job: Job) -> str | None:
    shown = config.batch.shown_endpoint
    if not config.is_azure or shown == "echo":
        return job.endpoint
    return None if shown == "null" else ""


def _file_id(config: EmulatorConfig, file_id: str | None) -> str | None:
    if file_id is not None:
        return file_id
    unset = config.batch.unset_ids
    if unset is None:
        unset = "empty" if config.is_azure else "null"
    return None if unset == "null" else ""


def _errors(config: EmulatorConfig, failure: tuple[InputError, ...]) -> dict[str, Any]:
    data = [{"code": e.code, "message": e.message, "param": e.param, "line": e.line} for e in failure]
    return {"object": "list", "data": data}


def _counts(config: EmulatorConfig, job: Job) -> dict[str, int | None]:
    if job.status in ("validating", "failed"):
        unknown = None if config.batch.null_counts else 0
        return {"total": unknown, "completed": unknown, "failed": unknown}
    total = len(job.examined.lines)
    if job.faults.lying_counts:
        return {"total": total, "completed": total, "failed": 0}
    return {"total": total, "completed": job.n_done - min(job.n_done, job.n_failed), "failed": job.n_failed}


def _usage(job: Job) -> dict[str, Any]:
    usage = job.usage
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
