"""What the calls of a shard share while they are settled, what one of them went through, and how work stops early."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workers.calls.lanes import Lane
from workers.limits.day_hint import DayHints
from workers.money.month_budget import Budget
from workers.shards.control import StopWork
from workers.shards.journal import Journal


class NoLaneLeft(StopWork):
    """Every deployment of the model refuses or cannot be reached."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        worst = max(lanes, key=lambda lane: 0 if lane.breaker.gone is None else lane.breaker.gone)
        super().__init__(worst.breaker.reason)
        self.exit_code = 6 if worst.breaker.gone is None else worst.breaker.gone
        self.code = worst.breaker.code
        self.message = worst.breaker.reason


class OverBudget(StopWork):
    """The next call would not fit into the run's budget."""


@dataclass(frozen=True)
class Settling:
    """What all requests of a shard share while they are settled.

    Attributes:
        fallback: lanes of the model that answers when all of `lanes` are gone; none unless the models file says so.
        guard: raises StopWork when no call may go out (drain, pause, lock lost).
        stopped: set at the same moment, to end waits early.
        count: told "called", "ok", "error:<code>" and the like, for status.
        moved: told whenever a call goes out, so that a shard without any yields its slot.
        tell: told (quota pool, sentence) what status should show; "" takes it back.
    """

    lanes: Sequence[Lane]
    journal: Journal
    guard: Callable[[], None]
    stopped: asyncio.Event
    count: Callable[[str], None]
    moved: Callable[[], None]
    tell: Callable[[str, str], None]
    budget: Budget | None = None

    @property
    def refusal(self) -> str:
        """Why there is no money for the next call."""
        return "" if self.budget is None else self.budget.refusal

    fallback: Sequence[Lane] = ()


@dataclass
class Tries:
    """What one call went through so far."""

    attempts: int = 0
    throttles: int = 0
    paid_usd: float = 0.0
    day_hints: DayHints = field(default_factory=DayHints)
