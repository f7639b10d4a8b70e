"""Every service of docker-compose.yml by its own command: they find each other, work, scale, report health and end."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from schemas.settings import Settings
from storage.parts import landed_units
from storage.runs import list_run_ids, load_manifest, load_state
from storage.store import Store
from tests.support.services import LOGIN, LocalServices, local_services
from tests.support.studies import write_study
from tests.support.until import until
from workers import connection
from workers.keeper import live_slots

pytestmark = [pytest.mark.e2e, pytest.mark.redis]
N_RESPONDENTS = 150
SLOTS_OF_A_WORKER = Settings.model_fields["slots"].default
STAYING = ["valkey", "emulator", "flower", "worker"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    """Queue, monitor, emulator and one worker, started; the two that others wait for are healthy."""
    folder = tmp_path_factory.mktemp("compose")
    with local_services(folder, folder / "study") as stack:
        url = f"http://127.0.0.1:{stack.ports['emulator']}/v1"
        write_study(stack.study, url, n_respondents=N_RESPONDENTS, rpm=1000, shard_size=4)
        stack.start("valkey")
        until_healthy(stack, "valkey")
        for name in ("emulator", "worker", "flower"):
            stack.start(name)
        until_healthy(stack, "emulator")
        yield stack


@pytest.fixture(scope="module")
def run(stack: LocalServices) -> str:
    """A run by a one-off producer, with workers scaled from 1 to 3 in its middle; its id once it has ended."""
    store, redis = Store(stack.store), connection.plain(stack.redis_url)
    producer = stack.start_once("producer", "run", "study.yaml", "--yes")
    run_id = until(lambda: next(iter(list_run_ids(store)), ""), deadline_s=60, what="a run")
    until(lambda: landed_units(store, run_id), deadline_s=60, what="the first part")

    stack.start("worker")
    stack.start("worker")
    until(lambda: live_slots(redis) == 3 * SLOTS_OF_A_WORKER, deadline_s=60, what="three workers that beat")
    in_the_middle = load_state(store, run_id).is_active

    assert producer.wait(90) == 0, stack.log("producer").read_text()
    assert in_the_middle, "the run was over before the workers were there"
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
    landed = [stack.log("worker", number).read_text().count("shard landed") for number in range(3)]

    assert min(landed) > 0, landed
    assert sum(landed) == len(landed_units(Store(stack.store), run))


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


def test_monitor_shows_nothing_without_the_login(stack: LocalServices) -> None:
    workers = f"http://127.0.0.1:{stack.ports['flower']}/api/workers"

    assert fetched(workers)[0] == 401
    assert fetched(workers, f"{LOGIN['FLOWER_USER']}:wrong")[0] == 401
    assert fetched(workers, f"{LOGIN['FLOWER_USER']}:{LOGIN['FLOWER_PASSWORD']}")[0] == 200


def test_stack_ends_within_its_grace_periods(stack: LocalServices, run: str) -> None:
    assert run
    assert stack.stop() == []
