"""Every service of docker-compose.yml by its own command: they find each other, work, scale, report health and end.

The whole rehearsal, with killed processes and full size: tests/accept/test_compose_rehearsal.py.
"""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
import redis

from schemas import run_paths
from schemas.settings import Settings
from storage.parts import landed_units
from storage.runs import append_event, list_run_ids, load_manifest, load_state
from storage.store import Store
from tests.support.services import LOGIN, PASSWORD, LocalServices, local_services
from tests.support.studies import write_study
from tests.support.until import until
from workers import connection
from workers.beats import live_slots
from workers.shards import locks

pytestmark = [pytest.mark.e2e, pytest.mark.redis]
N_RESPONDENTS = 100
SLOTS_OF_A_WORKER = Settings.model_fields["slots"].default
STAYING = ["valkey", "emulator", "flower", "worker"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    """Queue, monitor, emulator and one worker, started; the two that others wait for are healthy."""
    folder = tmp_path_factory.mktemp("compose")
    with local_services(folder, folder / "study") as stack:
        url = f"http://127.0.0.1:{stack.ports['emulator']}/v1"
        write_study(stack.study, url, n_respondents=N_RESPONDENTS, rpm=3000, shard_size=4)
        stack.start("valkey")
        stack.start("emulator")
        until_healthy(stack, "valkey")
        locks.vouch(connection.plain(stack.redis_url))  # a server that may have lost its memory is waited for
        for name in ("worker", "flower"):
            stack.start(name)
        until_healthy(stack, "emulator")
        yield stack


@pytest.fixture(scope="module")
def run(stack: LocalServices) -> str:
    """A run by a one-off producer, scaled from 1 to 3 workers in its middle (it rests while they start); its id."""
    store, client = Store(stack.store), connection.plain(stack.redis_url)
    producer = stack.start_once("producer", "run", "study.yaml", "--yes", "--detach")
    run_id = until(lambda: next(iter(list_run_ids(store)), ""), deadline_s=60, what="a run")
    until(lambda: landed_units(store, run_id), deadline_s=60, what="the first part")
    append_event(store, run_id, "paused", {"reason": "workers are added"})
    assert producer.process.wait(60) == 0, producer.log.read_text()
    n_alone = len(landed_units(store, run_id))

    stack.start("worker")
    stack.start("worker")
    until(lambda: live_slots(client) == 3 * SLOTS_OF_A_WORKER, deadline_s=60, what="three workers that beat")
    append_event(store, run_id, "resumed", {})
    until(lambda: load_state(store, run_id).phase == "finished", deadline_s=90, what="the end of the run")

    assert n_alone < N_RESPONDENTS * 2 / 4, "the run was over before the workers were there"
    return run_id


def until_healthy(stack: LocalServices, name: str) -> None:
    until(lambda: stack.is_healthy(name), deadline_s=60, interval_s=0.2, what=f"health of {name}")


def fetched(url: str, login: str | None = None) -> tuple[int, Any]:
    headers = {} if login is None else {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, None


def test_run_of_the_stack_has_a_row_for_every_task(stack: LocalServices, run: str) -> None:
    store = Store(stack.store)

    rows = pq.read_table(store.path(run_paths.predictions(run)), columns=["task_id", "status"])

    assert len(set(rows["task_id"].to_pylist())) == rows.num_rows == load_manifest(store, run).totals.n_tasks
    assert rows.num_rows == 2 * N_RESPONDENTS
    assert set(rows["status"].to_pylist()) <= {"answered", "unparsed"}


def test_run_of_the_stack_buys_each_answer_once(stack: LocalServices, run: str) -> None:
    _, bought = fetched(f"http://127.0.0.1:{stack.ports['emulator']}/emulator/purchases?by_id=0")

    assert bought["repeated"] == 0
    assert bought["total"] == load_manifest(Store(stack.store), run).totals.n_requests


def test_all_three_workers_land_parts_of_one_run(stack: LocalServices, run: str) -> None:
    landed = [each.log.read_text().count('"shard landed"') for each in stack.running("worker")]

    assert len(landed) == 3
    assert min(landed) > 0, landed
    assert sum(landed) == len(landed_units(Store(stack.store), run))


def test_each_worker_serves_metrics_and_none_names_the_run(stack: LocalServices, run: str) -> None:
    pages = []
    for port in range(stack.ports["metrics"], stack.ports["metrics"] + 3):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
            pages.append(page.read().decode())

    settled = [n for page in pages for n in re.findall(r'^nightpoll_requests_total{outcome="ok"} (\S+)', page, re.M)]

    assert len(settled) == 3
    assert sum(map(float, settled)) == load_manifest(Store(stack.store), run).totals.n_requests
    assert all(run not in page for page in pages)


@pytest.mark.parametrize("name", STAYING)
def test_service_is_healthy_after_the_run(stack: LocalServices, run: str, name: str) -> None:
    assert run
    until_healthy(stack, name)


def test_worker_health_check_fails_when_no_worker_answers(stack: LocalServices) -> None:
    health = stack.services["worker"].health
    assert health is not None

    asks_nobody = [part.replace("nightpoll-*", "nobody-*").replace("timeout=10", "timeout=1") for part in health]

    assert asks_nobody != health
    assert not stack.passes(asks_nobody, "worker")


def test_queue_refuses_whoever_has_no_password_and_what_the_work_does_not_need(stack: LocalServices) -> None:
    port = stack.ports["valkey"]

    with redis.Redis(port=port) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()
    with redis.Redis(port=port, username="nightpoll", password=PASSWORD) as own:
        assert own.llen("nightpoll") == 0
        for refused in ("FLUSHALL", "CONFIG GET *", "ACL LIST", "SHUTDOWN", "KEYS *", "SET other 1"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                own.execute_command(*refused.split())


def test_password_of_the_queue_is_in_no_command_line_file_or_log(stack: LocalServices, run: str) -> None:
    assert run
    secret = PASSWORD.encode()
    files = [path for path in stack.folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]

    assert [path for path in files if secret in path.read_bytes()] == []
    assert [c.service.name for c in stack.containers if PASSWORD in str(c.process.args)] == []


def test_monitor_shows_nothing_without_the_login(stack: LocalServices) -> None:
    workers = f"http://127.0.0.1:{stack.ports['flower']}/api/workers"

    until_healthy(stack, "flower")
    assert fetched(workers)[0] == 401
    assert fetched(workers, f"{LOGIN['FLOWER_USER']}:wrong")[0] == 401
    assert fetched(workers, f"{LOGIN['FLOWER_USER']}:{LOGIN['FLOWER_PASSWORD']}")[0] == 200


def test_stack_ends_within_its_grace_periods(stack: LocalServices, run: str) -> None:
    assert run
    assert stack.stop() == []
