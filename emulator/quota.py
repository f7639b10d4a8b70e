"""Quotas as the services keep them, on a clock that arrives as an argument.

Every limit is a sliding window: what was booked in the last minute (requests, tokens) or in the last second
(requests) may not exceed it. Times are seconds on any clock that never goes back.
"""

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

MINUTE_S = 60.0
Counting = Literal["max_tokens", "actual"]
Kind = Literal["requests", "tokens"]


class Limits(BaseModel):
    """Limits of one quota pool; None: not limited.

    Attributes:
        rpm: requests a minute.
        tpm: tokens a minute.
        counting: book the stated maximum on arrival, or the prompt on arrival and the answer when it is known.
        burst_window_s: length of the short check for requests.
        burst_requests: requests the short check lets through; None: rpm's share of its length, at least 1.
        count_rejected: requests turned away by the quota count as requests too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rpm: int | None = Field(None, gt=0)
    tpm: int | None = Field(None, gt=0)
    counting: Counting = "max_tokens"
    burst_window_s: float = Field(1.0, gt=0)
    burst_requests: int | None = Field(None, gt=0)
    count_rejected: bool = False

    def burst_limit(self) -> int | None:
        """Requests in any `burst_window_s`."""
        if self.burst_requests is not None or self.rpm is None:
            return self.burst_requests
        return max(1, ceil(self.rpm * self.burst_window_s / MINUTE_S))


class Booking:
    """One entry of a window; `amount` may be corrected as long as it has not left."""

    __slots__ = ("amount", "gone", "leaves_s")

    def __init__(self, amount: int, leaves_s: float) -> None:
        self.amount = amount
        self.leaves_s = leaves_s
        self.gone = False


class Window:
    """Amounts booked in the last `length_s` seconds against a limit."""

    def __init__(self, limit: int, length_s: float) -> None:
        self.limit = limit
        self.length_s = length_s
        self._bookings: deque[Booking] = deque()
        self._used = 0

    def used(self, now_s: float) -> int:
        """Sum of what is still inside."""
        while self._bookings and self._bookings[0].leaves_s <= now_s:
            booking = self._bookings.popleft()
            booking.gone = True
            self._used -= booking.amount
        return self._used

    def wait_s(self, amount: int, now_s: float) -> float:
        """Seconds until `amount` fits if nothing else is booked; 0 if it fits now. Amount <= limit."""
        over = self.used(now_s) + amount - self.limit
        if over <= 0:
            return 0.0
        leaves_s = now_s
        for booking in self._bookings:
            leaves_s = booking.leaves_s
            over -= booking.amount
            if over <= 0:
                break
        return leaves_s - now_s

    def book(self, amount: int, now_s: float) -> Booking:
        """Count an amount from now on."""
        booking = Booking(amount, now_s + self.length_s)
        self._bookings.append(booking)
        self._used += amount
        return booking

    def add(self, booking: Booking, extra: int) -> None:
        """Correct a booking by `extra`; without effect once it has left the window."""
        if not booking.gone:
            booking.amount += extra
            self._used += extra

    def empty_in_s(self, now_s: float) -> float:
        """Seconds until nothing is booked any more."""
        self.used(now_s)
        return self._bookings[-1].leaves_s - now_s if self._bookings else 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request was turned away.

    Attributes:
        kind: the limit that was hit.
        wait_s: when to come back; infinite if the request is larger than the limit itself.
        limit, used, requested: of that limit, a minute.
    """

    kind: Kind
    wait_s: float
    limit: int
    used: int
    requested: int

    @property
    def oversized(self) -> bool:
        """No wait would help."""
        return self.wait_s == float("inf")


class Level(NamedTuple):
    """State of one limit, as the rate-limit headers tell it."""

    limit: int
    remaining: int
    reset_s: float


class QuotaPool:
    """The counters of one pool. Not safe for several threads."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        burst = limits.burst_limit()
        self._minute = None if limits.rpm is None else Window(limits.rpm, MINUTE_S)
        self._burst = None if burst is None else Window(burst, limits.burst_window_s)
        self._tokens = None if limits.tpm is None else Window(limits.tpm, MINUTE_S)

    def arrive(self, *, prompt_tokens: int, max_tokens: int, now_s: float) -> Booking | Refused | None:
        """Admit a request or turn it away.

        Args:
            prompt_tokens: estimated tokens of the prompt.
            max_tokens: the most the answer may take, over all choices.
            now_s: the clock.

        Returns:
            Why it was refused; else its booking in the token window (None without a token limit), to be
            handed to `settle`.
        """
        tokens = prompt_tokens + (max_tokens if self.limits.counting == "max_tokens" else 0)
        refused = self._check(tokens, now_s)
        if refused is None or self.limits.count_rejected:
            for window in (self._minute, self._burst):
                if window is not None:
                    window.book(1, now_s)
        if refused is not None:
            return refused
        return None if self._tokens is None else self._tokens.book(tokens, now_s)

    def settle(self, booking: Booking | None, *, completion_tokens: int) -> None:
        """Book the answer's tokens where actual tokens count; elsewhere nothing changes."""
        if booking is not None and self._tokens is not None and self.limits.counting == "actual":
            self._tokens.add(booking, completion_tokens)

    def level(self, kind: Kind, now_s: float) -> Level | None:
        """State of a limit; None if there is none."""
        window = self._minute if kind == "requests" else self._tokens
        if window is None:
            return None
        return Level(window.limit, max(0, window.limit - window.used(now_s)), window.empty_in_s(now_s))

    def _check(self, tokens: int, now_s: float) -> Refused | None:
        if self._tokens is not None and tokens > self._tokens.limit:
            used = self._tokens.used(now_s)
            return Refused("tokens", float("inf"), self._tokens.limit, used, tokens)
        waits = [
            Refused(kind, wait_s, window.limit, window.used(now_s), amount)
            for kind, window, amount in self._amounts(tokens)
            if (wait_s := window.wait_s(amount, now_s)) > 0
        ]
        return max(waits, key=lambda refused: refused.wait_s) if waits else None

    def _amounts(self, tokens: int) -> list[tuple[Kind, Window, int]]:
        table: list[tuple[Kind, Window | None, int]] = [
            ("requests", self._minute, 1),
            ("requests", self._burst, 1),
            ("tokens", self._tokens, tokens),
        ]
        return [(kind, window, amount) for kind, window, amount in table if window is not None]
