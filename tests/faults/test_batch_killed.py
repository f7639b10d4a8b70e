"""kill -9 before and after every step of the batch path: no batch twice, no row lost, none paid twice."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.batch_desk import BatchDesk, batch_desk
from tests.support.dying import POINTS, die_at, without_patience, without_search
from tests.support.emulator import TestEmulator, running_emulator

N = 24


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=2000.0) as running:
        yield running


def nothing() -> None:
    """No protection taken out."""


def killed(desk: BatchDesk, point: str, died: Path) -> bool:
    """Work in a process of its own that kills itself at the point; whether it did."""
    child = os.fork()
    if child == 0:
        die_at(point, died)
        try:
            desk.work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def restarted(desk: BatchDesk, without: Callable[[], None]) -> None:
    """Work on in another process, with a protection taken out."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            without()
            desk.work()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def counts(service: TestEmulator) -> tuple[int, int, int]:
    """Batches made, requests that were in two of them, answers sold."""
    made = service.batches()
    return made["created"], made["same_requests"], service.purchases()["total"]


QUICK = {"upload:after", "create:after", "part:after"}
"""In every run of the tests; `make accept` kills at all of them."""


@pytest.mark.parametrize(
    "point", [point if point in QUICK else pytest.param(point, marks=pytest.mark.accept) for point in POINTS]
)
def test_kill_at_one_step_makes_no_batch_twice_loses_and_doubles_nothing(service, tmp_path, point):
    service.set_batch_faults()
    before = counts(service)
    desk = batch_desk(tmp_path, service, salt=point)
    assert killed(desk, point, tmp_path / "died")

    restarted(desk, nothing)

    rows = desk.rows()
    assert (len(rows), {row["status"] for row in rows} <= {"answered", "unparsed"}) == (N, True)
    assert [after - then for after, then in zip(counts(service), before, strict=True)] == [2, 0, N]
    assert all(row["attempts"] == 1 for row in rows)
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(
        sum(float(line["cost_usd"]) for line in service.purchase_lines()[-N:])
    )
    made = service.batches()
    assert made["uploads"] == made["deleted"]


def test_kill_after_an_accepted_create_that_is_listed_late_makes_it_once(service, tmp_path):
    service.set_batch_faults(listed_after_s=600)
    before = counts(service)
    desk = batch_desk(tmp_path, service, salt="late")
    assert killed(desk, "create:after", tmp_path / "died")

    restarted(desk, nothing)

    assert counts(service)[0] - before[0] == 2
    assert counts(service)[1] == before[1]


@pytest.mark.parametrize(
    ("without", "faults"),
    [
        pytest.param(without_search, {}, id="search"),
        pytest.param(without_patience, {"listed_after_s": 100_000}, id="patience", marks=pytest.mark.accept),
    ],
)
def test_without_the_search_the_same_kill_pays_a_batch_twice(service, tmp_path, without, faults):
    service.set_batch_faults(**faults)
    before = counts(service)
    desk = batch_desk(tmp_path, service, salt=without.__name__, lines=N)
    assert killed(desk, "create:after", tmp_path / "died")

    restarted(desk, without)

    assert (counts(service)[1] - before[1], counts(service)[2] - before[2]) == (1, 2 * N)
