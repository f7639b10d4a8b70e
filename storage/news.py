"""Whether any run of a store may have said something new: spares looking into each run that rests.

In a folder a look costs nothing, so there is always news. In a bucket each look is a paid request; there, whoever
adds an event writes one small object after it, which tells by its content whether anybody did. A writer that died
between the two is heard at the next full look.
"""

import time
from collections.abc import Callable

from storage.store import Store

FULL_LOOK_S = 60.0


class News:
    """What one reader has heard."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._heard: str | None = None
        self._looked_s: float | None = None

    def is_any(self) -> bool:
        """Whether resting runs should be looked at now; reading it counts as having looked."""
        if self._store.is_local:
            return True
        tag = self._store.bell()
        is_late = self._looked_s is None or self._clock() - self._looked_s >= FULL_LOOK_S
        if tag == self._heard and not is_late:
            return False
        self._heard, self._looked_s = tag, self._clock()
        return True
