"""A worker with short leases, and with protections taken out: `python -m tests.support.sabotage lock journal`.

Leases are a third of the real ones (`make accept` runs the real ones), so that a fault test takes seconds.

Fault tests run the same schedule with and without a protection: a test that passes without it proves nothing.

    lock      every shard lock is granted to everybody
    journal   nothing of an unfinished unit is remembered
    turns     answers of a request's earlier turns are not remembered
    keeper    a shard is published once and never again
    probation a server that forgot its locks grants them at once
    recheck   the lock is not looked at again before a call
    consumer  the consumer takes no message after its first two, as one that lost its credit
    landing   every part that is written fails for a reason nobody foresaw
    store     every part that is written fails with an error of the store
    probe     trouble in a row closes a deployment for a while, then everybody calls at once
    announcements  on an object store, calls go out unannounced
    watchdog  nobody looks whether messages are taken
    rollback  a version that was rolled back to before this process began is not asked
    patience  a call is given up after its second attempt
"""

import logging
import os
import sys
from datetime import UTC, datetime

from kombu.transport.redis import QoS

from schemas import events, wire
from schemas.errors import StoreError

if not os.environ.get("NIGHTPOLL_TEST_REAL_LEASES"):
    wire.LOCK_LEASE_S, wire.LOCK_RENEW_S = 4.0, 1.0  # before workers are imported: some read them as defaults
    wire.KEEPER_LEASE_S, wire.KEEPER_RENEW_S = 3.0, 0.75

from workers import backlog, keeper, process, watchdog
from workers.calls import retry, turns
from workers.limits import breaker
from workers.shards import control, held_lock, locks, segments, shard
from workers.shards.journal import JournalState

if not os.environ.get("NIGHTPOLL_TEST_REAL_LEASES"):
    backlog.REPUBLISH_IDLE_S = 4.0


async def _granted(*_: object, **__: object) -> int:
    return locks.GRANTED


async def _renewed(*_: object, **__: object) -> bool:
    return True


def without_lock() -> None:
    locks.acquire = _granted
    locks.renew = _renewed
    keeper.Keeper._locked = lambda *_: frozenset()
    backlog.REPUBLISH_IDLE_S = 1.0


def without_journal() -> None:
    shard.read_journals = lambda *_: JournalState()


def without_turns() -> None:
    known = turns.known_turns

    def whole_or_nothing(request, records):
        answers = known(request, records)
        return answers if len(answers) == request.n_turns else []

    turns.known_turns = whole_or_nothing


def without_keeper() -> None:
    published = set()

    def once(self: keeper.Keeper, streams: list) -> None:
        messages = [m for s in streams for m in s.open_messages() if m not in published]
        published.update(messages)
        if messages and self._redis.set("sabotage:published", "1", nx=True):
            keeper.publish(self._app, messages)

    keeper.Keeper._publish = once


def without_probation() -> None:
    plain = "return math.abs(now - tonumber(since)) > lease_s"
    locks._ACQUIRE = locks._ACQUIRE.replace(plain, "return true").replace("    return false\n", "    return true\n")


def without_recheck() -> None:
    held_lock.HeldLock.is_valid = lambda _: True


def without_consumer() -> None:
    can, seen = QoS.can_consume, []

    def can_no_more(self: QoS) -> bool:
        seen.extend(self._delivered)
        return len(set(seen)) < 2 and can(self)

    QoS.can_consume = can_no_more
    watchdog.STUCK_S = 5.0


def _no_part(error: Exception) -> None:
    def write(*_: object) -> None:
        logging.getLogger("sabotage").warning("landing tried")
        raise error

    shard.write_part = write


def without_landing() -> None:
    _no_part(RuntimeError("sabotaged"))


def without_store() -> None:
    _no_part(StoreError("sabotaged"))


def without_probe() -> None:
    breaker.Breaker.needs_probe = property(lambda self: not self.proven)


async def _at_once(*_: object) -> None:
    return


def without_announcements() -> None:
    segments.AHEAD = 0
    segments.SegmentJournal.ready = _at_once


def without_watchdog() -> None:
    watchdog.ConsumerWatch.is_stuck = lambda *_: False


def without_rollback() -> None:
    began = datetime.now(UTC)
    load = control.load_state

    def recent_only(store: object, run_id: str) -> events.RunState:
        state = load(store, run_id)
        return state.model_copy(update={"replaced": [one for one in state.replaced if one.at >= began]})

    control.load_state = recent_only


def without_patience() -> None:
    retry.MAX_ATTEMPTS = 2


def run(*protections: str) -> None:
    """The worker, without these; ends the process."""
    for name in protections:
        globals()[f"without_{name}"]()
    sys.argv = sys.argv[:1]
    process.main()


if __name__ == "__main__":
    run(*sys.argv[1:])
