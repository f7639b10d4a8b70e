"""Fine-tuning objects of the services, read from JSON in every spelling: null, "" and -1 mean absent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.error_bodies import shown_of_file
from schemas.tuning import JobState

_STATES: dict[str, JobState] = {
    "validating_files": "pending",
    "queued": "pending",
    "pending": "pending",
    "notrunning": "pending",
    "running": "running",
    "pausing": "pausing",
    "paused": "paused",
    "resuming": "resuming",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A job at the service.

    Attributes:
        status: as the service spells it; `state` is ours.
        error: one shown line; None unless it failed.
    """

    id: str
    status: str
    state: JobState
    model: str
    training_file: str | None
    tuned_model: str | None = None
    trained_tokens: int | None = None
    result_files: tuple[str, ...] = ()
    error: str | None = None
    created_at: int | None = None
    finished_at: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """Something that happened; `data` holds figures of a step where `kind` is metrics."""

    id: str
    created_at: int
    level: str
    message: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteCheckpoint:
    """A model kept on the way."""

    id: str
    step: int
    model: str
    metrics: Mapping[str, float] = field(default_factory=dict)


def read_job(body: Mapping[str, Any]) -> RemoteJob:
    """A job of a response body; an unknown status counts as running, for it is not over."""
    status = str(body.get("status") or "")
    error = body.get("error")
    said = None
    if isinstance(error, Mapping) and (error.get("message") or error.get("code")):
        said = shown_of_file(f"{error.get('code') or ''}: {error.get('message') or ''}".strip(": "))
    files = body.get("result_files")
    return RemoteJob(
        id=str(body.get("id") or ""),
        status=status,
        state=_STATES.get(status.lower(), "running"),
        model=str(body.get("model") or ""),
        training_file=_text(body.get("training_file")),
        tuned_model=_text(body.get("fine_tuned_model")),
        trained_tokens=_whole(body.get("trained_tokens")),
        result_files=tuple(str(each) for each in files) if isinstance(files, list) else (),
        error=said,
        created_at=_whole(body.get("created_at")),
        finished_at=_whole(body.get("finished_at")),
    )


def read_event(body: Mapping[str, Any]) -> RemoteEvent:
    """An event of a response body."""
    data = body.get("data")
    return RemoteEvent(
        id=str(body.get("id") or ""),
        created_at=_whole(body.get("created_at")) or 0,
        level=str(body.get("level") or "info"),
        message=shown_of_file(str(body.get("message") or "")),
        kind=str(body.get("type") or "message"),
        data=dict(data) if isinstance(data, Mapping) else {},
    )


def in_order(events: Sequence[RemoteEvent]) -> list[RemoteEvent]:
    """Events, oldest first. Those of one second keep the service's order, turned where it lists the newest first.

    Args:
        events: as listed, either way.
    """
    is_turned = bool(events) and _moment(events[0]) > _moment(events[-1])
    if not is_turned:
        steps = [event.data["step"] for event in events if isinstance(event.data.get("step"), int | float)]
        is_turned = len({event.created_at for event in events}) == 1 and len(steps) > 1 and steps[0] > steps[-1]
    return sorted(reversed(events) if is_turned else events, key=_moment)


def _moment(event: RemoteEvent) -> int:
    return event.created_at


def read_checkpoint(body: Mapping[str, Any]) -> RemoteCheckpoint:
    """A checkpoint of a response body."""
    metrics = body.get("metrics")
    numbers = metrics if isinstance(metrics, Mapping) else {}
    return RemoteCheckpoint(
        id=str(body.get("id") or ""),
        step=_whole(body.get("step_number")) or 0,
        model=str(body.get("fine_tuned_model_checkpoint") or ""),
        metrics={str(k): float(v) for k, v in numbers.items() if isinstance(v, int | float)},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and value >= 0 else None  # type: ignore[call-overload,operator]  # a number by then
