"""From outcomes of requests to a part: every request of the unit in plan order, exactly one row each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from schemas import tables
from schemas.errors import StoreError

RANK = {"ok": 0, "refused": 1, "filtered": 1, "truncated": 2, "failed": 3}
"""Which outcome wins when a request has several; the earliest among equals."""


@dataclass(frozen=True)
class Answer:
    """The outcome of one request within a unit. Field meanings and units: `tables.RESPONSES`."""

    outcome: str
    turns: tuple[str, ...]
    cost_usd: float
    attempts: int
    created_at: str
    model: str
    maybe_paid: int = 0
    maybe_paid_usd: float | None = None
    logprobs: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    deployment: str | None = None
    served_model: str | None = None
    system_fingerprint: str | None = None
    latency_s: float | None = None
    finish_reason: str | None = None
    error_code: str | None = None
    error_message: str | None = None

    def record(self) -> dict[str, Any]:
        """For the journal: only what is set."""
        values = ((name, getattr(self, name)) for name in _FIELDS)
        return {name: value for name, value in values if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Answer":
        """From the journal."""
        return cls(**{**record, "turns": tuple(record["turns"])})

    def with_lost(self, attempts: int, lost: int, lost_usd: float) -> "Answer":
        """The same with what the journals know of attempts and lost calls."""
        tried = max(attempts, self.attempts)
        return replace(self, attempts=tried, maybe_paid=lost, maybe_paid_usd=lost_usd if lost_usd else None)


_FIELDS = tuple(f.name for f in fields(Answer))


def part_table(request_ids: Sequence[str], answers: Mapping[str, Answer], *, transport: str = "online") -> pa.Table:
    """The part of a unit, schema `tables.RESPONSES`, rows in the order given.

    Raises:
        StoreError: a request has no outcome (a part must be complete).
    """
    missing = [r for r in request_ids if r not in answers]
    if missing:
        raise StoreError(f"{len(missing)} of {len(request_ids)} requests of the unit have no outcome yet.")
    rows = [answers[r] for r in request_ids]
    own = {f.name for f in tables.RESPONSES} - {
        "request_id",
        "turns",
        "transport",
        "created_at",
        "model_version",
    }
    columns: dict[str, Any] = {name: [getattr(row, name, None) for row in rows] for name in own}
    columns["request_id"] = list(request_ids)
    columns["turns"] = [list(row.turns) for row in rows]
    columns["transport"] = [transport] * len(rows)
    columns["model_version"] = [None] * len(rows)
    columns["created_at"] = [datetime.fromisoformat(row.created_at) for row in rows]
    return pa.table(columns, schema=tables.RESPONSES)
