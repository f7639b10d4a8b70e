"""The batches of one run: each tick looks what each batch needs next and starts that step, without waiting for it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from producer.checks.batch import may_take_turns
from schemas.batches import BatchLedger
from schemas.errors import (
    ModelError,
    NightpollError,
    RateLimitedError,
    RejectedRequestError,
    ServiceRefusedError,
    StoreAwayError,
    StoreError,
)
from schemas.events import RunState
from schemas.run import RunManifest
from storage.runs import append_event, load_state
from workers.batch import create as batch_create
from workers.batch import ends as batch_ends
from workers.batch import upload as batch_upload
from workers.batch.deadline import is_time_to_rescue
from workers.batch.ledger import now
from workers.batch.rounds import Line, Standing, advance, hand_over, is_fruitless, lines_of, standing, still_open
from workers.batch.schedule import Step, Wish, choose, next_step, queued_tokens
from workers.batch.turn import Desk, NotOurs, Turn

log = logging.getLogger(__name__)

UNREACHABLE_TRIES = 7
"""Tries in a row, the waits doubling, before a service that never answered counts as gone: some five minutes."""


class RunBatches:
    """One run. Belongs to one event loop; its caller holds the run's lock, and `Desk.is_held` tells whether it does."""

    def __init__(self, desk: Desk, manifest: RunManifest) -> None:
        self._desk = desk
        self._manifest = manifest
        self._names = sorted(manifest.batch_shards)
        self._tasks: dict[object, asyncio.Task[None]] = {}
        self._placed: dict[int, tuple[str, int]] = {}  # batch -> pool, tokens; until its ledger says so
        self._uploads = asyncio.Semaphore(4)
        self._harvests = asyncio.Semaphore(1)

    @property
    def is_busy(self) -> bool:
        """Some step is under way."""
        return any(not task.done() for task in self._tasks.values())

    def ledgers(self) -> list[BatchLedger]:
        """As they stand."""
        return self._desk.shelf.ledgers()

    def booked(self, ledgers: Iterable[BatchLedger]) -> dict[str, int]:
        """Pool -> tokens of its queue that this run's batches have, or are about to have."""
        placed = {number: spot for number, spot in self._placed.items() if number in self._tasks}
        queued = queued_tokens(ledgers)
        for ledger in ledgers:
            if ledger.state == "packed" and ledger.number in placed:
                pool, tokens = placed[ledger.number]
                queued[pool] = queued.get(pool, 0) + tokens
        self._placed = placed
        return queued

    def tick(self, state: RunState, queued: dict[str, int], everywhere: Iterable[BatchLedger]) -> None:
        """Start what can be started.

        Args:
            state: of the run.
            queued: pool -> tokens booked by batches of all runs.
            everywhere: batches of all runs.
        """
        self._tasks = {key: task for key, task in self._tasks.items() if not task.done()}
        ledgers, everywhere = self.ledgers(), list(everywhere)
        for ledger in ledgers:
            if ledger.is_open and ledger.number not in self._tasks:
                self._step(ledger, ledgers, state, queued, everywhere)
        if state.is_active:
            rounds, waiting = self._desk.shelf.rounds(), set[str]()
            for line in lines_of(self._manifest, state):
                at = standing(line, rounds, ledgers, state)
                if line.name not in waiting:  # a generation begins when the one before is done
                    self._advance(line, at, state)
                if not at.is_done:
                    waiting.add(line.name)

    def _step(
        self,
        ledger: BatchLedger,
        ledgers: list[BatchLedger],
        state: RunState,
        queued: dict[str, int],
        everywhere: list[BatchLedger],
    ) -> None:
        model = self._manifest.models[ledger.model]
        resting = {b.pool for b in everywhere if b.pool and b.n_refused and b.wait_until and b.wait_until > now()}
        chosen = choose(ledger, model.batch, queued, resting)
        wish = _wish(ledger, state, everywhere, has_room=chosen is not None)
        step = next_step(ledger, wish, now())
        if step is Step.NONE:
            return
        turn = Turn(self._desk, ledger, model)
        index = self._names.index(ledger.model)
        reserved = any(b.is_remote and b.reserved_usd for b in ledgers if b.number != ledger.number)
        work: dict[Step, Callable[[], Coroutine[Any, Any, object]]] = {
            Step.UPLOAD: lambda: self._upload(turn, chosen),
            Step.FIND_UPLOAD: lambda: batch_upload.find_upload(turn),
            Step.CHECK_FILE: lambda: batch_upload.check_file(turn),
            Step.CREATE: lambda: batch_create.create(turn, is_alone=wish.is_alone, others_reserved=reserved),
            Step.FIND_BATCH: lambda: batch_create.find_batch(turn),
            Step.POLL: lambda: batch_create.poll(turn, is_alone=wish.is_alone),
            Step.CANCEL: lambda: batch_create.cancel(turn, is_alone=wish.is_alone),
            Step.HARVEST: lambda: self._harvest(turn, index),
            Step.ABANDON: lambda: batch_ends.abandon(turn, index),
            Step.HALVE: lambda: batch_ends.halve(turn),
            Step.REFUSE: lambda: self._refuse(turn),
            Step.TIDY: lambda: batch_ends.tidy(turn),
        }
        if step is Step.UPLOAD and chosen is not None:
            queued[chosen.pool_name] = queued.get(chosen.pool_name, 0) + ledger.file.n_tokens
            self._placed[ledger.number] = (chosen.pool_name, ledger.file.n_tokens)
        self._start(ledger.number, self._guarded(turn, work[step]))

    async def _upload(self, turn: Turn, chosen: Any) -> None:  # noqa: ANN401
        async with self._uploads:
            await batch_upload.upload(turn, chosen)

    async def _harvest(self, turn: Turn, index: int) -> None:
        async with self._harvests:
            stop = await batch_ends.harvest(turn, index, self._shards_with_turns(turn.ledger.model))
        if stop is not None:
            self._stop_model(turn.ledger.model, 5, stop, "refused")

    def _shards_with_turns(self, model: str) -> Sequence[int]:
        arms = [arm for arm in self._manifest.study.arms.values() if arm.model == model and arm.transport == "batch"]
        return self._manifest.batch_shards[model] if any(map(may_take_turns, arms)) else ()

    async def _refuse(self, turn: Turn) -> None:
        batch_create.end_without(turn, turn.ledger.problem, turn.ledger.reason)

    async def _guarded(self, turn: Turn, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """One step, while the batches are ours."""
        try:
            turn.check_held()
            await self._patient(turn, work)
        except NotOurs:
            log.warning("batch left to another", extra={"event": "batch_lock_lost", "run_id": self._desk.run_id})

    async def _patient(self, turn: Turn, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Whatever goes wrong is told and waited out, the batch is never forgotten."""
        try:
            await work()
        except batch_create.NoMoney:
            self._event("over_budget", {"message": "The next batch would not fit into the budget."})
        except ServiceRefusedError as error:
            self._stop_model(turn.ledger.model, 5, error.what, error.code)
            turn.back_off(error.what)
        except RejectedRequestError as error:
            if turn.ledger.state in {"packed", "processed"}:
                batch_create.end_without(turn, error.code, error.what)
            else:
                turn.back_off(error.what)
        except ModelError as error:
            hint = error.retry_after_s if isinstance(error, RateLimitedError) else None
            turn.back_off(error.what) if hint is None else turn.wait(hint, error.what)
            if error.code == "unreachable" and turn.ledger.n_tries >= UNREACHABLE_TRIES:
                self._stop_model(turn.ledger.model, 6, error.what, error.code)
        except StoreAwayError:
            await asyncio.sleep(self._desk.settings.batch_backoff_s)
        except StoreError as error:
            self._event("environment", {"message": str(error)})
            await asyncio.sleep(self._desk.settings.batch_backoff_s)
        except NightpollError as error:
            self._stop_model(turn.ledger.model, int(error.exit_code), str(error), error.code)
            turn.back_off(error.what)

    def _advance(self, line: Line, at: Standing, state: RunState) -> None:
        key = (line.name, line.generation)
        if at.is_done or line.name in state.stopped_models or key in self._tasks:
            return
        if line.name not in state.rescued and is_time_to_rescue(line, at, self._manifest, self._desk.settings, now()):
            data = {"model": line.name, "deadline": line.arm.deadline, "rescue": line.arm.rescue}
            self._event("rescued", data)
        elif at.is_idle and is_fruitless(at):
            message = "The Batch API gave every request back untried, five times in a row."
            self._stop_model(line.name, 6, message, "batch_fruitless")
        elif at.is_idle:
            self._start(
                key, self._told(asyncio.to_thread(advance, self._desk.store, self._desk.shelf, line, at, state))
            )
        elif line.name in state.rescued and line.arm.rescue == "pay_twice":
            self._start(key, self._told(asyncio.to_thread(self._pay_twice, line, at)))

    def _pay_twice(self, line: Line, at: Standing) -> None:
        hand_over(self._desk.store, line, still_open(self._desk.store, line, at), {})

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StoreAwayError:
            await asyncio.sleep(self._desk.settings.batch_backoff_s)
        except NightpollError as error:
            self._event("environment", {"message": str(error)})
            await asyncio.sleep(self._desk.settings.batch_backoff_s)

    def _start(self, key: object, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(_told_if_failed)
        self._tasks[key] = task

    def _stop_model(self, model: str, exit_code: int, message: str, code: str) -> None:
        if model not in load_state(self._desk.store, self._desk.run_id).stopped_models:
            self._event("model_stopped", {"model": model, "exit_code": exit_code, "message": message, "code": code})

    def _event(self, kind: Any, data: dict[str, Any]) -> None:  # noqa: ANN401
        try:
            if self._desk.is_held() and load_state(self._desk.store, self._desk.run_id).is_active:
                append_event(self._desk.store, self._desk.run_id, kind, data)
        except NightpollError:
            log.exception("event not written", extra={"event": "event_lost", "run_id": self._desk.run_id})


def _told_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a batch step failed", exc_info=task.exception(), extra={"event": "batch_step_failed"})


def _wish(ledger: BatchLedger, state: RunState, everywhere: list[BatchLedger], *, has_room: bool) -> Wish:
    others = [b for b in everywhere if b.pool == ledger.pool and (b.run_id, b.number) != (ledger.run_id, ledger.number)]
    is_over = state.phase == "cancelled" or ledger.number in state.cancelled_batches
    return Wish(
        may_spend=state.is_active and ledger.model not in state.stopped_models,
        give_up=is_over or ledger.model in state.rescued,
        has_room=has_room,
        is_alone=not any(b.state in {"creating", "created"} for b in others),
    )
