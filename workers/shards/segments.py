"""The journal of a unit on an object store: numbered segments, each one object, written whole.

A line there would be a request of its own, so lines are gathered: a segment goes out every FLUSH_EVERY_S, after
FLUSH_AFTER endings, when announcements run short, and before the unit is released or landed. What a killed process had
gathered is lost, so calls are announced: `{"k":"p","c":CALL}` says that a call may go out, and none goes out whose
announcement is not in the store. A holder that died without `{"k":"x"}` may therefore have bought what it announced and
did not end, and nothing else; see docs/design/object_store.md for the bound.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from schemas import run_paths
from schemas.errors import StoreAwayError, StoreError
from storage.store import Store

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 5.0
FLUSH_AFTER = 64
AHEAD = 128
"""Calls that are announced and have not gone out, at most."""
GAP_S = 0.2
"""Between two segments, so that many waiters share one."""
FIRST_WORK_S = 0.5
"""The first line of work is in the store so soon: a holder that dies later was not barren."""
PATIENCE_S = 60.0
"""How long a store that cannot be reached is waited for; meanwhile no call goes out that is not announced."""
ASK_AGAIN_S = 1.0
_GUARD_EVERY_S = 0.25


class SegmentJournal:
    """A journal on an object store. Lives on the event loop; requests are made in threads.

    Args:
        store: with the run.
        run_id: of it.
        unit: whose journal it is.
        holder: no other has this name.
        ahead: calls that will go out, in their order, with the US$ that a budget would reserve for each.
        guard: raises when no call may go out any more; ends waits.
    """

    def __init__(
        self, store: Store, run_id: str, unit: str, *, holder: str, ahead: Mapping[str, float],
        guard: Callable[[], None],
    ) -> None:  # fmt: skip
        self._store = store
        self._run_id = run_id
        self._unit = unit
        self._holder = holder
        self._ahead = dict(ahead)
        self._guard = guard
        self._lines = ['{"k":"s"}\n']
        self._said: set[str] = set()  # announced in lines that are not in the store yet
        self._may_go: set[str] = set()
        self._n_segments = 0
        self._n_endings = 0
        self._ending = asyncio.Event()
        self._error: StoreError | None = None
        self._wake = asyncio.Event()
        self._flushed = asyncio.Event()
        self._writing = asyncio.create_task(self._run())

    async def ready(self, call: str, reserved_usd: float = 0.0) -> None:
        """Return once the call's announcement is in the store.

        Raises:
            StoreError: it cannot get there. Whatever the guard raises.
        """
        while call not in self._may_go:
            if self._error is not None:
                raise self._error
            if call not in self._said:
                self._ahead.pop(call, None)
                self._say(call, reserved_usd)
                self._wake.set()
            flushed = self._flushed
            try:
                await asyncio.wait_for(flushed.wait(), _GUARD_EVERY_S)
            except TimeoutError:
                self._guard()

    def intent(self, call: str, reserved_usd: float = 0.0) -> None:
        """A call is about to go out."""
        self._may_go.discard(call)
        money = f',"usd":{reserved_usd:.9f}' if reserved_usd else ""
        self._add(f'{{"k":"i","c":"{call}"{money}}}\n')
        if self._ahead and len(self._may_go) <= AHEAD // 2:
            self._wake.set()

    def failure(self, call: str, code: str, *, maybe_paid: bool) -> None:
        """A call ended without an answer."""
        self._add(json.dumps({"k": "e", "c": call, "code": code, "paid": maybe_paid}) + "\n", is_ending=True)

    def answer(self, call: str, record: dict[str, Any], *, is_over: bool = True) -> None:
        """A call ended with an outcome; `is_over`: so did its request."""
        more = {} if is_over else {"more": 1}
        line = json.dumps({"k": "a", "c": call, "r": record} | more, ensure_ascii=True) + "\n"
        self._add(line, is_ending=True)

    async def end(self) -> None:
        """No more lines; on return everything is in the store.

        Raises:
            StoreError: it is not; what was announced counts as maybe paid.
        """
        self._lines.append('{"k":"x"}\n')
        self._ending.set()
        self._wake.set()
        await self._writing
        if self._error is not None:
            raise self._error

    def _add(self, line: str, *, is_ending: bool = False) -> None:
        self._lines.append(line)
        self._n_endings += is_ending
        if self._n_endings >= FLUSH_AFTER:
            self._wake.set()

    def _say(self, call: str, reserved_usd: float) -> None:
        money = f',"usd":{reserved_usd:.9f}' if reserved_usd else ""
        self._lines.append(f'{{"k":"p","c":"{call}"{money}}}\n')
        self._said.add(call)

    async def _run(self) -> None:
        try:
            while self._error is None and (self._lines or not self._ending.is_set()):
                await self._flush()
                if not self._ending.is_set():
                    await self._rest()
        finally:
            self._tell()

    async def _rest(self) -> None:
        """Until there is a reason for the next segment."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), GAP_S)
        every_s = FIRST_WORK_S if self._n_segments == 1 else FLUSH_EVERY_S
        while not self._ending.is_set():
            try:
                await asyncio.wait_for(self._wake.wait(), every_s)
            except TimeoutError:
                if not self._lines:
                    continue
            return

    async def _flush(self) -> None:
        self._wake.clear()
        while not self._ending.is_set() and self._ahead and len(self._may_go) + len(self._said) < AHEAD:
            call = next(iter(self._ahead))
            self._say(call, self._ahead.pop(call))
        data, said = "".join(self._lines).encode("ascii"), self._said
        self._lines, self._said, self._n_endings = [], set(), 0
        if not data:
            return
        self._n_segments += 1
        rel = run_paths.journal_segment(self._run_id, self._unit, self._holder, self._n_segments)
        self._error = await self._put(rel, data)
        if self._error is None:
            self._may_go |= said
        self._tell()

    async def _put(self, rel: str, data: bytes) -> StoreError | None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + PATIENCE_S
        while True:
            try:
                await asyncio.to_thread(self._store.put_if_absent, rel, data)
            except StoreAwayError as error:
                if loop.time() >= until_s:
                    return error
                log.info("journal waits for the store", extra={"event": "journal_waits", "run_id": self._run_id})
                await asyncio.sleep(ASK_AGAIN_S)
            except StoreError as error:
                return error
            else:
                return None  # a name that is taken is ours: an earlier try arrived after all

    def _tell(self) -> None:
        """Wake whoever waits for the segment that was just written."""
        told, self._flushed = self._flushed, asyncio.Event()
        told.set()
