"""How far the quota server's clock is ahead of the loop's, from the quickest answers: a slow one moves nobody."""

KEEP_S = 10.0
"""An estimate this old is replaced: clocks drift by less than a millisecond in that time."""


class ServerClock:
    """The difference of two clocks in seconds, learned from answers that name the server's present."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._error_s = float("inf")
        self._since_s = 0.0

    def learn(self, *, asked_s: float, answered_s: float, server_s: float) -> float:
        """Take one answer into account; returns how far the server is ahead now.

        Args:
            asked_s: when the question went out, on the loop's clock.
            answered_s: when the answer was there, on the loop's clock.
            server_s: what the server said.
        """
        error_s = (answered_s - asked_s) / 2
        ahead_s = server_s - (asked_s + answered_s) / 2
        stepped = abs(ahead_s - self.ahead_s) > error_s + self._error_s
        if error_s <= self._error_s or stepped or answered_s - self._since_s > KEEP_S:
            self.ahead_s, self._error_s, self._since_s = ahead_s, error_s, answered_s
        return self.ahead_s
