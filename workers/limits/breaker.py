"""A circuit breaker per deployment: who refuses or cannot be reached is left alone, then tried with one call."""

from dataclasses import dataclass

PATIENCE_UNPROVEN_S = 12.0
"""How long an endpoint that never answered may stay unreachable before it counts as gone."""
PATIENCE_PROVEN_S = 300.0
"""The same for one that did answer in this process."""
TROUBLE_IN_A_ROW = 8
"""So many 5xx or lost connections in a row open the breaker."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
REFUSED_PAUSE_S = 60.0
NOT_YET_PAUSE_S = 3.0
DAY_HINTS_IN_A_ROW = 4
"""So many times told to come back tomorrow, and nothing served between: it is not about single requests."""


@dataclass
class Breaker:
    """State of one deployment in this process; times on the loop's clock in seconds.

    Attributes:
        proven: some response came; until then calls go one at a time.
        tripped: so much trouble in a row that calls go one at a time until one is answered.
        closed_until_s: no call before this moment.
        n_served: answers so far.
        gone: exit code (5 refused for good, 6 unreachable beyond patience) once hope is given up, else None.
    """

    proven: bool = False
    tripped: bool = False
    closed_until_s: float = 0.0
    gone: int | None = None
    n_served: int = 0
    reason: str = ""
    code: str = ""
    _since_s: float | None = None
    _in_a_row: int = 0
    _day_hints: int = 0

    @property
    def needs_probe(self) -> bool:
        """One call at a time: nobody knows whether the next one will be answered."""
        return self.tripped or not self.proven

    def is_open(self, now_s: float) -> bool:
        """Calls should go elsewhere, or wait. A refusal is tried again with one call after a long pause."""
        return now_s < self.closed_until_s

    def answered(self) -> None:
        """A response that shows a working service (an answer, a 429, a 400)."""
        self.proven, self.tripped, self._since_s, self._in_a_row = True, False, None, 0
        self.gone, self.closed_until_s = None, 0.0

    def served(self) -> None:
        """An answer."""
        self.n_served += 1
        self._day_hints = 0
        self.answered()

    def told_tomorrow(self) -> bool:
        """Told to come back in a day; True if nothing else was heard for several calls."""
        self._day_hints += 1
        return self._day_hints >= DAY_HINTS_IN_A_ROW

    def pause(self, now_s: float) -> None:
        """Leave the deployment alone for a while, then try it with one call."""
        self.closed_until_s, self.proven = now_s + REFUSED_PAUSE_S, False

    def not_yet(self, now_s: float) -> None:
        """A new deployment is not served yet."""
        self.closed_until_s, self.proven = now_s + NOT_YET_PAUSE_S, False

    def refused(self, now_s: float, *, code: str, reason: str) -> None:
        """Key, quota or deployment refused for good."""
        self.gone, self.code, self.reason = 5, code, reason
        self.pause(now_s)

    def hope_again(self, *, patient: bool = True) -> None:
        """One call may try: somebody resumed the run, or (not patient) others answer until this one does again."""
        if patient:
            self._since_s = None
        self.gone, self.closed_until_s, self._in_a_row = None, 0.0, 0
        self.proven, self.tripped = False, False

    def failed(self, now_s: float, *, reached: bool, code: str, reason: str) -> None:
        """A 5xx or lost connection (reached), or no connection at all."""
        self._in_a_row += 1
        self._since_s = now_s if self._since_s is None else self._since_s
        if not reached:
            patience_s = PATIENCE_PROVEN_S if self.proven else PATIENCE_UNPROVEN_S
            if now_s - self._since_s > patience_s:
                self.gone, self.code, self.reason, self.proven = 6, code, reason, False
        if not reached or self._in_a_row >= TROUBLE_IN_A_ROW:
            self.tripped = True
            doubled = FIRST_PAUSE_S * 2 ** min(self._in_a_row - (1 if not reached else TROUBLE_IN_A_ROW), 10)
            self.closed_until_s = now_s + min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, doubled))

    def pause_left_s(self, now_s: float) -> float:
        """Seconds until a call may try it again."""
        return max(0.0, self.closed_until_s - now_s)
