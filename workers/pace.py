"""How fast a run gets on, from looks at it: its pace over the last quarter of an hour, and how long nothing came."""

from collections import deque

OVER_S = 900.0
"""Pace is taken over so long."""
WITHOUT_PACE_S = 900.0
"""A run of which no pace is known counts as at risk so long before its deadline."""


class Pace:
    """Of one run. Moments are seconds of any clock that only goes on."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._moved_s: float | None = None

    def saw(self, now_s: float, n_ended: int) -> None:
        """Note that so many requests had ended at a moment."""
        if self._moved_s is None or n_ended != self._seen[-1][1]:
            self._moved_s = now_s
        self._seen.append((now_s, n_ended))
        while len(self._seen) > 1 and now_s - self._seen[0][0] > OVER_S:
            self._seen.popleft()

    @property
    def still_s(self) -> float:
        """Seconds since the last request that ended, or since the first look."""
        return 0.0 if self._moved_s is None else self._seen[-1][0] - self._moved_s

    @property
    def per_s(self) -> float:
        """Requests a second; 0.0 before the second look."""
        if len(self._seen) < 2:
            return 0.0
        (then_s, before), (now_s, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now_s - then_s) if now_s > then_s else 0.0

    def late_s(self, n_pending: int, left_s: float) -> float:
        """Seconds by which the rest will be late at this pace; negative: so much is in hand.

        Args:
            n_pending: requests without an outcome.
            left_s: until the deadline.
        """
        if n_pending == 0:
            return -max(0.0, left_s)
        needed_s = n_pending / self.per_s if self.per_s > 0 else WITHOUT_PACE_S
        return needed_s - left_s
