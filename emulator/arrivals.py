"""Every request that came in, second by second: what quota tests look at."""

from collections import Counter
from typing import Any


class Arrivals:
    """Counts of requests for chat completions."""

    def __init__(self) -> None:
        self.total = 0
        self.most_open = 0
        self._arrived: Counter[int] = Counter()
        self._admitted: Counter[int] = Counter()
        self._statuses: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    def arrived(self, at_s: float) -> int:
        """Count an arrival; returns its number, from 1."""
        self.total += 1
        self._arrived[int(at_s)] += 1
        return self.total

    def admitted(self, at_s: float) -> None:
        """It passed key, parameters and quota."""
        self._admitted[int(at_s)] += 1

    def ended(self, status: int, fault: str) -> None:
        """It was answered with a status; 0: the connection was cut."""
        self._statuses["cut" if status == 0 else str(status)] += 1
        if fault:
            self._faults[fault] += 1

    def summary(self) -> dict[str, Any]:
        """Totals, and per second since 1970 how many arrived and were admitted by the quota."""
        seconds = {
            str(second): {"arrived": n, "admitted": self._admitted[second]}
            for second, n in sorted(self._arrived.items())
        }
        return {
            "arrived": self.total,
            "admitted": self._admitted.total(),
            "statuses": dict(self._statuses),
            "faults": dict(self._faults),
            "most_open": self.most_open,
            "per_second": seconds,
        }
