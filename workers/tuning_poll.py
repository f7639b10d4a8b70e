"""Looks after fine-tuning jobs while workers live: the keeper says when, a thread of its own asks the services.

What is seen goes into the ledgers, so that closing the terminal of `finetune watch` loses neither state nor results.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping

from finetuning.jobs.watching import look
from providers.tuning_client import open_tuning_client
from schemas.errors import NightpollError
from schemas.tuning import ENDED, TuningLedger
from storage.store import Store
from storage.tuning_records import readable_ledgers

log = logging.getLogger(__name__)

EVERY_S = 20.0
"""Between two rounds; trainings take minutes at least."""


class TuningPoll:
    """Asks after every open job of a store, at most one round at a time."""

    def __init__(
        self, store: Store, environ: Mapping[str, str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._environ = environ
        self._clock = clock
        self._next_s = 0.0
        self._over: set[str] = set()  # jobs that have ended stay so: on an object store each look is a request
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Begin a round if one is due and none is under way; returns at once."""
        is_busy = self._thread is not None and self._thread.is_alive()
        if is_busy or self._clock() < self._next_s:
            return
        self._next_s = self._clock() + EVERY_S
        self._thread = threading.Thread(target=self.look_at_all, name="tunings", daemon=True)
        self._thread.start()

    def look_at_all(self) -> None:
        """One round; what goes wrong with one job is logged and left to the next round."""
        try:
            ledgers = list(readable_ledgers(self._store, but=self._over))  # a damaged one must not stop the others
        except NightpollError as error:
            log.warning("tunings: %s", error, extra={"event": "tuning_trouble", "code": error.code})
            return
        self._over.update(each.key for each in ledgers if each.state in ENDED)
        for ledger in (each for each in ledgers if each.job_id and each.state not in ENDED):
            try:
                asyncio.run(self._look_at(ledger))
            except NightpollError as error:
                extra = {"event": "tuning_trouble", "job": ledger.key, "code": error.code}
                log.warning("tunings: %s", error, extra=extra)

    async def _look_at(self, ledger: TuningLedger) -> None:
        client = open_tuning_client(ledger.entry, ledger.entry.deployments[0], environ=self._environ)
        try:
            seen = await look(self._store, client, ledger)
        finally:
            await client.close()
        if seen.is_over:
            extra = {"event": "tuning_over", "job": ledger.key, "state": seen.ledger.state}
            log.info("fine-tuning job over", extra=extra)
