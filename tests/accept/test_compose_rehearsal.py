"""The rehearsal of docker-compose.yml: every service's own command, scaled, killed and healthy, at full size.

The shipped survey is asked of the emulator (some 8,300 requests, three minutes at its quota) while workers are scaled
1 -> 4 -> 1, one is killed, and the queue is killed and started again. The emulator's purchases are the judge.
"""

import json
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from schemas.settings import Settings
from storage.parts import landed_units
from storage.runs import list_run_ids, load_manifest, load_state
from storage.store import Store
from tests.support.services import Container, LocalServices, local_services
from tests.support.until import until
from workers import connection
from workers.beats import live_slots

pytestmark = [pytest.mark.accept, pytest.mark.redis, pytest.mark.timeout(1200)]
SLOTS = Settings.model_fields["slots"].default
IN_FLIGHT = Settings.model_fields["in_flight"].default
STAYING = ("valkey", "emulator", "flower", "worker")


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal came to; `log` tells its steps with seconds."""

    run_id: str
    n_tasks: int
    n_rows: int
    n_requests: int
    bought_twice: int
    open_at_kill: int
    killed_late: list[str]
    seconds: float
    log: list[str]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalServices]:
    with local_services(tmp_path, tmp_path / "study") as stack:
        yield stack


def rehearse(stack: LocalServices) -> Rehearsed:
    """The whole of it."""
    began_s, log, store = time.monotonic(), [], Store(stack.store)

    def tell(what: str) -> None:
        log.append(f"{time.monotonic() - began_s:6.1f} s  {what}")

    stack.start("valkey")
    for name in ("emulator", "flower", "worker"):
        stack.start(name)
    healthy(stack, STAYING, tell)
    command = stack.start("rehearsal")
    run_id = until(lambda: next(iter(list_run_ids(store)), ""), deadline_s=120, what="a run")
    until(lambda: landed_units(store, run_id), deadline_s=120, what="the first part")
    tell("first part landed; scaling 1 -> 4")
    for _ in range(3):
        stack.start("worker")
    until(lambda: n_live(stack) == 4, deadline_s=120, what="four workers that beat")
    healthy(stack, STAYING, tell)
    parts = len(landed_units(store, run_id))
    until(lambda: len(landed_units(store, run_id)) > parts + 2, deadline_s=120, what="parts of four workers")
    assert load_state(store, run_id).is_active
    n_open = kill(stack, stack.running("worker")[1])
    tell(f"one worker killed with {n_open} calls open; another started, as restart does")
    stack.mend()
    stack.running("valkey")[0].end(signal.SIGKILL)
    stack.mend()
    until(lambda: stack.is_healthy("valkey"), deadline_s=60, what="the queue again")
    tell("queue killed and started again")
    until(lambda: stack.mend() or n_live(stack) == 4, deadline_s=120, interval_s=0.5, what="four workers again")
    parts = len(landed_units(store, run_id))
    until(lambda: stack.mend() or len(landed_units(store, run_id)) > parts + 2, deadline_s=120, what="parts again")
    healthy(stack, STAYING, tell)
    assert load_state(store, run_id).is_active, log
    late = [each.service.name for each in stack.running("worker")[1:] if not each.end()]
    stack.forget_ended("worker")
    tell("scaled 4 -> 1")
    until(
        lambda: stack.mend() or command.process.poll() is not None, deadline_s=600, interval_s=0.5, what="the command"
    )
    assert command.process.returncode == 0, command.log.read_text()
    tell("the command has ended with 0")
    healthy(stack, STAYING, tell)
    until(lambda: store.exists(f"{run_id}/evaluation/metrics.json"), deadline_s=180, what="the evaluation")
    tell("evaluated by the workers")
    rows = pq.read_table(store.path(run_paths.predictions(run_id)), columns=["task_id", "status"])
    statuses = Counter(rows["status"].to_pylist())
    tell(f"{dict(statuses)}")
    totals = load_manifest(store, run_id).totals
    bought = Counter(purchases(stack)["by_id"])
    return Rehearsed(
        run_id, totals.n_tasks, len(set(rows["task_id"].to_pylist())), totals.n_requests,
        sum(n - 1 for n in bought.values()), n_open, late + stack.stop(), time.monotonic() - began_s, log,
    )  # fmt: skip


def healthy(stack: LocalServices, names: tuple[str, ...], tell) -> None:
    """Every health check of every process, until it passes."""
    for name in names:
        until(lambda name=name: stack.is_healthy(name), deadline_s=120, interval_s=0.5, what=f"health of {name}")
    tell(f"healthy: {', '.join(f'{len(stack.running(name))} {name}' for name in names)}")


def n_live(stack: LocalServices) -> int:
    return live_slots(connection.plain(stack.redis_url)) // SLOTS


def purchases(stack: LocalServices) -> dict:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['emulator']}/emulator/purchases", timeout=30) as page:
        return json.load(page)


def kill(stack: LocalServices, worker: Container) -> int:
    """kill -9; the calls that were open then: intents without an ending in the journals the process has open."""
    worker.process.send_signal(signal.SIGSTOP)
    files = [f.path for f in psutil.Process(worker.process.pid).open_files() if "/journal/" in f.path]
    lines = [line for path in files if Path(path).exists() for line in Path(path).read_text().splitlines()]
    intents = sum(line.startswith('{"k":"i"') for line in lines)
    endings = sum(line.startswith(('{"k": "a"', '{"k": "e"')) for line in lines)
    worker.process.kill()
    worker.process.wait()
    assert 0 <= intents - endings <= IN_FLIGHT
    return intents - endings


def test_rehearsal_of_the_compose_file_loses_nothing_and_buys_nothing_twice(stack):
    done = rehearse(stack)

    print("\n".join([*done.log, repr(done)]))
    assert done.n_rows == done.n_tasks > 8000
    assert done.bought_twice <= done.open_at_kill
    assert done.killed_late == []


def test_rehearsal_without_journals_buys_again_what_the_judge_sees(stack):
    stack.without = ("journal",)

    done = rehearse(stack)

    print("\n".join([*done.log, repr(done)]))
    assert done.n_rows == done.n_tasks
    assert done.bought_twice > done.open_at_kill
