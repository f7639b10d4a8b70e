"""Which life of a run is in the bucket: the ETag of its run.json, which is made once and goes first when it goes.

A run that was removed and planned again under its name has another one, and copies of the two never meet.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from schemas import run_paths
from schemas.errors import StoreAwayError
from storage.objects.bucket import Bucket

SURE_S = 2.0
"""What was asked so recently is not asked again, unless somebody begins something new."""
AWAY_S = 30.0
"""While the service is away, the life that is known is the one, and it is asked this often."""


class _Known(NamedTuple):
    tag: str
    until_s: float


class Lives:
    """What one process knows; safe to share among threads."""

    def __init__(self, bucket: Bucket, clock: Callable[[], float] = time.monotonic) -> None:
        self._bucket = bucket
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def known(self, run_id: str) -> str:
        """The life as it was last seen, however long ago; "" if there is none."""
        return self._known.get(run_id, _Known("", 0.0)).tag

    def of(self, run_id: str, *, anew: bool = False) -> str:
        """The life, "" if there is no such run.

        Args:
            run_id: of the run.
            anew: ask in any case.

        Raises:
            StoreAwayError: the service does not answer, and the life was asked for or is not known.
        """
        known = self._known.get(run_id)
        if known is not None and not anew and self._clock() < known.until_s:
            return known.tag
        try:
            tag = self._bucket.tag(run_paths.run_json(run_id))
        except StoreAwayError:
            if anew or known is None or not known.tag:
                raise
            self._known[run_id] = _Known(known.tag, self._clock() + AWAY_S)
            return known.tag
        self._known[run_id] = _Known(tag, self._clock() + SURE_S)
        return tag
