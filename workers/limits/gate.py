"""How many calls a lane may have open in this process: additive up, multiplicative down, within bounds.

A rate limiter bounds calls a minute; this bounds calls at once, which a service in trouble needs more.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

START = 32
LEAST = 4
CUT = 0.5
CUT_PAUSE_S = 1.0
"""One burst of trouble cuts once: answers to calls sent before the cut do not cut again."""


class AdaptiveGate:
    """A bound on open calls that follows what comes back."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._least = min(LEAST, most)
        self.limit = float(min(START, most))
        self.n_open = 0
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._cut_at_s = -CUT_PAUSE_S
        self._n_answers = self._n_time_outs = 0

    @asynccontextmanager
    async def turn(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait until one more call may be open; owners that wait are served in turn, not in order of arrival."""
        while self.n_open >= int(self.limit):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(owner, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()
                raise
        self.n_open += 1
        try:
            yield
        finally:
            self.n_open -= 1
            self._wake()

    def went_well(self) -> None:
        """An answer came: about one more call at once after a full round of good answers."""
        self._n_answers += 1
        if self.limit < self._most:
            self.limit = min(float(self._most), self.limit + 1 / self.limit)
            self._wake()

    def went_badly(self, now_s: float, *, timed_out: bool = False) -> None:
        """A 429, a time-out or a 5xx came: half as many at once.

        Where more calls time out than are answered, the service queues them inside and works for nobody: then down
        to a single one. A service that stalls now and then keeps the usual least.
        """
        self._n_time_outs += timed_out
        if now_s - self._cut_at_s >= CUT_PAUSE_S:
            least = 1 if self._n_time_outs > self._n_answers else self._least
            self.limit = min(self.limit, max(float(least), self.limit * CUT))
            self._cut_at_s, self._n_answers, self._n_time_outs = now_s, 0, 0

    def _wake(self) -> None:
        free = int(self.limit) - self.n_open
        while self._waiting and free > 0:
            owner, queue = next(iter(self._waiting.items()))
            turn = queue.popleft()
            self._waiting.move_to_end(owner)
            if not queue:
                del self._waiting[owner]
            if not turn.done():
                turn.set_result(None)
                free -= 1
