"""A process that takes a lease, stops itself right before it buys or opens something, and then goes on as it would:
`python -m tests.support.stopping batch REDIS STORE`. It ends with 7 where it was told that the lease is not its own.
"""

import asyncio
import os
import signal
import sys
from functools import partial

from schemas import wire
from schemas.errors import NightpollError
from schemas.settings import Settings
from storage.runs import load_manifest, load_state
from storage.store import Store, open_store
from workers import connection, opening
from workers.batch.clients import BatchClients
from workers.batch.ledger import BatchShelf
from workers.batch.run import RunBatches
from workers.batch.turn import Desk
from workers.nights import start
from workers.sole import Lease, check_held

wire.LOCK_LEASE_S, wire.LOCK_RENEW_S = 1.0, 0.2
KEY = wire.sole_lease("x.lock")


def stop() -> None:
    """Until somebody says SIGCONT; threads that renew are stopped, too."""
    os.kill(os.getpid(), signal.SIGSTOP)


def stopped_then(work):
    def late(*words, **options):
        stop()
        return work(*words, **options)

    return late


async def batches(store: Store, lease: Lease, *, late: bool) -> None:
    """As the keeper's thread works them off, but stopped between the ledger's word and the call.

    `late`: after the last look at the lease, too.
    """
    quick = {"batch_poll_s": 0.05, "batch_search_s": 0.6, "batch_backoff_s": 0.03}
    clients, has_stopped = BatchClients({}), False

    async def client_of(model, deployment):
        nonlocal has_stopped
        client = await clients.of(model, deployment)
        if not has_stopped and any(ledger.state == "creating" for ledger in shelf.ledgers()):
            has_stopped = True
            if late:
                client.create = stopped_then(client.create)
            else:
                stop()
        return client

    shelf = BatchShelf(store, "run")
    desk = Desk(store, "run", shelf, Settings(store=store.uri, **quick), client_of, lambda: None, lease.is_held)
    work = RunBatches(desk, load_manifest(store, "run"))
    try:
        while not has_stopped or work.is_busy:
            work.tick(load_state(store, "run"), work.booked(work.ledgers()), work.ledgers())
            await asyncio.sleep(0.02)
    finally:
        await clients.close()


def main(kind: str, redis_url: str, uri: str = "") -> int:
    """One case."""
    lease = Lease(connection.plain(redis_url), KEY)
    assert lease.try_exclusive()
    guard = partial(check_held, lease)
    try:
        if kind.startswith("batch"):
            asyncio.run(batches(open_store(uri), lease, late=kind == "batch-late"))
        elif kind == "night":
            start.plan_study = stopped_then(start.plan_study)
            start.start(open_store(uri), Settings(store=uri), "1", guard)
        elif kind == "open":
            opening.choose_transports = stopped_then(opening.choose_transports)
            opening.open_run(open_store(uri), "r", fresh=True, detached=False, guard=guard)
        else:
            stop()
            guard()
    except NightpollError as error:
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
