"""The work on one shard: lock, journal, settle what is missing, land, release.

Every way out leaves the unit either landed or with a journal from which any other worker goes on.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from schemas import run_paths, wire
from schemas.errors import SettingsError, StoreAwayError, StoreError
from storage.parts import write_part
from storage.runs import load_state
from workers.calls.lanes import Lane, hope_for
from workers.calls.requests import PlannedRequest, load_shard
from workers.calls.settle import most_usd
from workers.calls.settling import NoLaneLeft, OverBudget, Settling
from workers.calls.turns import joined, known_turns, lost_of, next_call, settle_turns, settled_answer
from workers.money.month_budget import Budget
from workers.shards import locks
from workers.shards.control import RunControl, StopWork
from workers.shards.held_lock import HeldLock
from workers.shards.journal import FileJournal, Journal, JournalState, read_journals, remove_journals
from workers.shards.landing import Answer, part_table
from workers.shards.node import Node
from workers.shards.segments import SegmentJournal
from workers.shards.wanted import ShardRef, wanted_requests

log = logging.getLogger(__name__)

NOT_YET_POLL_S = 1.0
FAILED_PAUSE_S = 1.0
"""A unit that failed keeps its lock so long: neither its message nor a second copy of it is tried sooner."""
YIELD_AFTER_S = 5.0
"""A shard without a call for so long gives its slot to others, if there are any."""
MAX_BARREN_STARTS = 5
"""So many holders in a row that died before their first line: the unit itself is the cause."""


class ShardEnd(StrEnum):
    """How the work on a shard ended."""

    LANDED = "landed"
    ALREADY = "already"  # landed before
    TAKEN = "taken"  # another holder works on it
    STOPPED = "stopped"  # pause, cancel, refusal or drain: its journal stays
    LOST = "lost"  # the lock went to somebody else
    YIELDED = "yielded"  # no call for a while: others may have the slot, its journal stays
    AWAY = "away"  # the store cannot be reached from here: others may do it, or we, later
    GAVE_WAY = "gave_way"  # the keeper gives the slot to another stream and publishes this one when it is due


async def work_shard(node: Node, ref: ShardRef) -> ShardEnd:
    """Bring one shard to its part, or as far as it may go now."""
    try:
        await asyncio.to_thread(node.look_at, ref.run_id)
        model = await asyncio.to_thread(node.model_of_shard, ref.run_id, ref.shard)
        control = await node.watch.enter(ref.run_id, model)
        try:
            end = await _work_entered(node, ref, control)
            is_for_another = end is ShardEnd.STOPPED and control.is_outdated and not node.draining
            return ShardEnd.YIELDED if is_for_another else end
        finally:
            node.watch.leave(control)
    except StoreAwayError as error:
        node.report_trouble(ref.run_id, str(error))
        return ShardEnd.AWAY


async def _work_entered(node: Node, ref: ShardRef, control: RunControl) -> ShardEnd:
    if await _has_landed(node, ref):
        return ShardEnd.ALREADY
    if control.stopped.is_set() or node.draining:
        return ShardEnd.STOPPED
    lock = HeldLock(node, wire.shard_lock(ref.run_id, ref.unit))
    while (granted := await lock.acquire()) == locks.NOT_YET:
        if control.stopped.is_set() or node.draining:
            return ShardEnd.STOPPED
        await asyncio.sleep(NOT_YET_POLL_S)
    if granted == locks.TAKEN:
        return ShardEnd.TAKEN
    try:
        return await _work_locked(node, ref, control, lock)
    except StoreAwayError:
        raise
    except StoreError as error:
        await node.watch.environment_failed(control, str(error))
        node.report_trouble(ref.run_id, str(error))
        return ShardEnd.STOPPED
    except Exception:
        await asyncio.sleep(FAILED_PAUSE_S)
        raise
    finally:
        await lock.release()


async def _work_locked(node: Node, ref: ShardRef, control: RunControl, lock: HeldLock) -> ShardEnd:
    if await _has_landed(node, ref):
        return ShardEnd.ALREADY  # landed between the first look and the lock
    wanted, state = await asyncio.to_thread(_read, node, ref)
    answers = {r.request_id: a for r in wanted if (a := settled_answer(r, state.answers)) is not None}
    open_requests = [r for r in wanted if r.request_id not in answers]
    if open_requests and state.barren_starts >= MAX_BARREN_STARTS:
        answers |= _given_up(node, ref, open_requests, state)
    elif open_requests:
        budget_usd = (await asyncio.to_thread(load_state, node.store, ref.run_id)).budget_usd
        work = _ShardWork(node, ref, control, lock, state, budget_usd)
        answers |= await work.settle_all(open_requests)
        if work.ended_early is not None and len(answers) < len(wanted):
            return work.ended_early
    if len(answers) < len(wanted):
        return ShardEnd.LOST if lock.lost else ShardEnd.STOPPED
    if not lock.is_valid():
        return ShardEnd.LOST
    return await asyncio.to_thread(_land, node, ref, wanted, answers)


async def _has_landed(node: Node, ref: ShardRef) -> bool:
    return await asyncio.to_thread(node.store.exists, run_paths.part(ref.run_id, ref.unit))


def _read(node: Node, ref: ShardRef) -> tuple[list[PlannedRequest], JournalState]:
    """What the unit has to answer, and what its journals say."""
    planned = load_shard(node.store, ref.run_id, ref.shard)
    return wanted_requests(node, ref, planned), read_journals(node.store, ref.run_id, ref.unit)


def _land(node: Node, ref: ShardRef, wanted: list[PlannedRequest], answers: dict[str, Answer]) -> ShardEnd:
    state = read_journals(node.store, ref.run_id, ref.unit)
    rows = {r.request_id: answers[r.request_id].with_lost(*lost_of(r, state)) for r in wanted}
    write_part(node.store, ref.run_id, ref.unit, part_table(list(rows), rows))
    remove_journals(node.store, ref.run_id, ref.unit)
    log.info("shard landed", extra={"event": "shard_landed", "run_id": ref.run_id, "unit": ref.unit})
    return ShardEnd.LANDED


def _given_up(node: Node, ref: ShardRef, requests: list[PlannedRequest], state: JournalState) -> dict[str, Answer]:
    """Requests of a unit that killed its holders again and again: failed, with the reason."""
    model = node.model_of(ref.run_id, node.model_of_shard(ref.run_id, ref.shard)).model
    log.error("unit given up", extra={"event": "unit_poisoned", "run_id": ref.run_id, "unit": ref.unit})
    message = f"{MAX_BARREN_STARTS} workers died on this unit before their first call."
    at = datetime.now(UTC).isoformat()
    failed = Answer("failed", (), 0.0, 0, at, model, error_code="poison", error_message=message)
    return {r.request_id: joined(r, [*known_turns(r, state.answers), failed]) for r in requests}


class _ShardWork:
    """Settles the open requests of a locked shard with a few pullers."""

    def __init__(
        self, node: Node, ref: ShardRef, control: RunControl, lock: HeldLock, state: JournalState,
        budget_usd: float | None,
    ) -> None:  # fmt: skip
        self._node = node
        self._ref = ref
        self._control = control
        self._lock = lock
        self._state = state
        self._answers: dict[str, Answer] = {}
        self._stopped = asyncio.Event()
        self._store_error: StoreError | None = None
        self._moved_s = node.clock_s()
        self._budget_usd = budget_usd
        self.ended_early: ShardEnd | None = None

    async def settle_all(self, requests: list[PlannedRequest]) -> dict[str, Answer]:
        """Settle as many as may be; returns early with fewer when a call may no longer go out."""
        lanes, fallback = await self._lanes()
        if not lanes:
            return {}
        budget = self._node.budget_of(self._ref.run_id, self._budget_usd)
        journal = self._journal(requests, lanes, fallback, is_bounded=budget is not None)
        mirror = asyncio.create_task(self._mirror_stop())
        try:
            work = self._settling(lanes, fallback, journal, budget)
            source = iter(requests)
            n_pullers = min(len(requests), self._node.settings.in_flight)
            async with asyncio.TaskGroup() as group:
                for _ in range(n_pullers):
                    group.create_task(self._pull(source, work))
        finally:
            self._stop()  # ends the mirror even where its cancellation is swallowed
            mirror.cancel()
            await journal.end()
        if self._store_error is not None:
            raise self._store_error
        return self._answers

    def _journal(
        self, requests: list[PlannedRequest], lanes: Sequence[Lane], fallback: Sequence[Lane], *, is_bounded: bool
    ) -> Journal:
        ref, store, holder = self._ref, self._node.store, self._lock.token[:12]
        if store.is_local:
            return FileJournal(store, ref.run_id, ref.unit, holder)
        calls = (next_call(r, known_turns(r, self._state.answers)) for r in requests)
        both = (*lanes, *fallback) if is_bounded else ()
        ahead = {call.call_id: most_usd(call, both) for call in calls if call is not None}
        return SegmentJournal(store, ref.run_id, ref.unit, holder=holder, ahead=ahead, guard=self._guard)

    async def _lanes(self) -> tuple[Sequence[Lane], Sequence[Lane]]:
        """Those of the shard's model and those of its fallback."""
        try:
            lanes, fallback = self._node.lanes_of(self._ref.run_id, self._control.model, self._control.entry)
        except SettingsError as error:
            await self._node.watch.stop_model(self._control, exit_code=5, message=str(error), code=error.code)
            return [], []
        hope_for(lanes, fallback, self._node.clock_s())
        return lanes, fallback

    def _settling(
        self, lanes: Sequence[Lane], fallback: Sequence[Lane], journal: Journal, budget: Budget | None
    ) -> Settling:
        return Settling(
            lanes=lanes,
            fallback=fallback,
            journal=journal,
            guard=self._guard,
            stopped=self._stopped,
            count=self._node.counter(self._ref.run_id),
            moved=self._moved,
            tell=self._node.teller(self._ref.run_id),
            budget=budget,
        )

    async def _pull(self, source: Iterator[PlannedRequest], work: Settling) -> None:
        for request in source:
            if self._stopped.is_set():
                return
            try:
                self._answers[request.request_id] = await settle_turns(request, work, self._state)
            except NoLaneLeft as end:
                await self._node.watch.stop_model(
                    self._control, exit_code=end.exit_code, message=end.message, code=end.code
                )
                self._stop()
                return
            except OverBudget:
                await self._node.watch.over_budget(self._control, self._budget_usd, work.refusal)
                self._stop()
                return
            except StopWork:
                self._stop()
                return
            except StoreError as error:  # open calls of the others may still finish
                self._store_error = error
                self._stop()
                return

    def _guard(self) -> None:
        if self._control.stopped.is_set() or self._node.draining or self._stopped.is_set():
            raise StopWork
        if not self._lock.is_valid():
            raise StopWork

    def _moved(self) -> None:
        self._moved_s = self._node.clock_s()

    async def _mirror_stop(self) -> None:
        """Ends waits when the run stops, the worker drains, the lock is lost, or nothing moves."""
        while not self._stopped.is_set():
            try:
                self._guard()
                if self._node.clock_s() - self._moved_s > YIELD_AFTER_S and self._node.has_other_work():
                    self.ended_early = ShardEnd.YIELDED
                    break
                if self._node.gives_way(self._lock.key):
                    self.ended_early = ShardEnd.GAVE_WAY
                    break
                await asyncio.wait_for(self._control.stopped.wait(), timeout=0.25)
            except TimeoutError:
                continue
            except StopWork:
                break
        self._stop()

    def _stop(self) -> None:
        self._stopped.set()
        self._node.lanes.drop(self._stopped)
